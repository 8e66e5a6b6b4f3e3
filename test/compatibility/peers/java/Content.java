/** What the servers of every version offer, as JSON. */
final class Content {
  static final String PIXEL =
      "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";
  static final String NOTHING = "{\"type\":\"object\",\"properties\":{}}";
  static final String ECHO = "{\"type\":\"object\",\"properties\":{\"text\":{\"type\":\"string\"}},\"required\":[\"text\"]}";
  static final String NUMBER = "{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"integer\"}},\"required\":[\"a\"]}";
  static final String SUM = "{\"type\":\"object\",\"properties\":{\"sum\":{\"type\":\"integer\"}},\"required\":[\"sum\"]}";
  static final String QUESTION =
      "{\"message\":\"Who are you?\",\"requestedSchema\":{\"type\":\"object\",\"properties\":{\"name\":{\"type\":\"string\"}},\"required\":[\"name\"]}}";
  static final String PROMPT =
      "{\"messages\":[{\"role\":\"user\",\"content\":{\"type\":\"text\",\"text\":\"Say something\"}}],\"maxTokens\":10}";
  static final String GREET = "{\"name\":\"greet\",\"description\":\"\",\"arguments\":[{\"name\":\"name\",\"description\":\"\",\"required\":true}]}";

  static String tool(String name, String input) {
    return "{\"name\":\"" + name + "\",\"description\":\"\",\"inputSchema\":" + input + "}";
  }

  static String says(String text) {
    return "{\"content\":[{\"type\":\"text\",\"text\":" + Json.write(text) + "}],\"isError\":false}";
  }

  static String contents(String uri, String text) {
    return "{\"contents\":[{\"uri\":\"" + uri + "\",\"mimeType\":\"text/plain\",\"text\":\"" + text + "\"}]}";
  }

  static String greeting(Object name) {
    return "{\"description\":\"\",\"messages\":[{\"role\":\"user\",\"content\":{\"type\":\"text\",\"text\":\"Hello, " + name + "\"}}]}";
  }
}
