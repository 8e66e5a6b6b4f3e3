import io.modelcontextprotocol.json.McpJsonDefaults;
import io.modelcontextprotocol.json.McpJsonMapper;

/** JSON of the SDK from 1.0 on. */
final class Json {
  static final McpJsonMapper mapper = McpJsonDefaults.getMapper();

  static <T> T read(String text, Class<T> type) {
    try {
      return mapper.readValue(text, type);
    } catch (java.io.IOException error) {
      throw new IllegalArgumentException(error);
    }
  }

  static String write(Object value) {
    try {
      return mapper.writeValueAsString(value);
    } catch (java.io.IOException error) {
      throw new IllegalArgumentException(error);
    }
  }
}
