import com.fasterxml.jackson.databind.ObjectMapper;

/** JSON of the SDK 0.9. */
final class Json {
  static final ObjectMapper mapper = new ObjectMapper();

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
