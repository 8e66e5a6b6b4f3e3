import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;

/** What the server told outside of answers. */
final class Heard {
  final List<String> logs = new CopyOnWriteArrayList<>();
  final List<Double> progress = new CopyOnWriteArrayList<>();
  final AtomicInteger updated = new AtomicInteger();
  final AtomicInteger changed = new AtomicInteger();
}
