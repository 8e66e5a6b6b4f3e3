/** One side has nothing of the kind. */
final class Absent extends RuntimeException {
  Absent(String message) {
    super(message);
  }
}
