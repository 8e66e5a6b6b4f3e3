import io.modelcontextprotocol.client.McpClient;
import io.modelcontextprotocol.client.McpSyncClient;
import io.modelcontextprotocol.client.transport.HttpClientSseClientTransport;
import io.modelcontextprotocol.client.transport.ServerParameters;
import io.modelcontextprotocol.client.transport.StdioClientTransport;
import io.modelcontextprotocol.server.McpServer;
import io.modelcontextprotocol.server.McpServerFeatures;
import io.modelcontextprotocol.server.McpSyncServer;
import io.modelcontextprotocol.server.McpSyncServerExchange;
import io.modelcontextprotocol.server.transport.HttpServletSseServerTransportProvider;
import io.modelcontextprotocol.server.transport.StdioServerTransportProvider;
import io.modelcontextprotocol.spec.McpClientTransport;
import io.modelcontextprotocol.spec.McpSchema;
import io.modelcontextprotocol.spec.McpServerTransportProvider;
import jakarta.servlet.http.HttpServlet;
import java.net.URI;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BiFunction;

/** Client and server on the SDK 0.9, which has neither structured results, elicitation, progress nor updates of resources. */
final class Sdk {
  static final boolean MODERN_ENOUGH = false;
  private static final AtomicInteger cancelled = new AtomicInteger();
  private static McpSyncServer server;

  private static McpServerFeatures.SyncToolSpecification tool(
      String name, String input, BiFunction<McpSyncServerExchange, Map<String, Object>, String> handler) {
    return new McpServerFeatures.SyncToolSpecification(
        Json.read(Content.tool(name, input), McpSchema.Tool.class),
        (exchange, arguments) -> Json.read(handler.apply(exchange, arguments), McpSchema.CallToolResult.class));
  }

  private static List<McpServerFeatures.SyncToolSpecification> tools() {
    List<McpServerFeatures.SyncToolSpecification> tools = new ArrayList<>();
    tools.add(tool("echo", Content.ECHO, (exchange, arguments) -> Content.says("echo: " + arguments.get("text"))));
    String image = "{\"content\":[{\"type\":\"image\",\"data\":\"" + Content.PIXEL + "\",\"mimeType\":\"image/png\"}],\"isError\":false}";
    tools.add(tool("image", Content.NOTHING, (exchange, arguments) -> image));
    tools.add(tool("fails", Content.NOTHING, (exchange, arguments) -> "{\"content\":[{\"type\":\"text\",\"text\":\"it failed\"}],\"isError\":true}"));
    tools.add(tool("logs", Content.NOTHING, (exchange, arguments) -> {
      String message = "{\"level\":\"info\",\"logger\":\"compat\",\"data\":\"hello from logs\"}";
      exchange.loggingNotification(Json.read(message, McpSchema.LoggingMessageNotification.class));
      return Content.says("logged");
    }));
    tools.add(tool("asks_model", Content.NOTHING, (exchange, arguments) -> {
      McpSchema.CreateMessageResult answer = exchange.createMessage(Json.read(Content.PROMPT, McpSchema.CreateMessageRequest.class));
      return Content.says("sampled: " + Json.read(Json.write(answer.content()), Map.class).get("text"));
    }));
    tools.add(tool("asks_roots", Content.NOTHING, (exchange, arguments) -> Content.says("roots: " + Json.write(exchange.listRoots().roots()))));
    tools.add(tool("grow", Content.NOTHING, (exchange, arguments) -> {
      server.addTool(tool("grown", Content.NOTHING, (one, two) -> Content.says("grown")));
      return Content.says("grew");
    }));
    tools.add(tool("cancellations", Content.NOTHING, (exchange, arguments) -> Content.says("cancelled: " + cancelled.get())));
    return tools;
  }

  static HttpServlet serve(String transport) {
    HttpServletSseServerTransportProvider servlet = transport.equals("sse")
        ? HttpServletSseServerTransportProvider.builder().objectMapper(Json.mapper).messageEndpoint("/messages").sseEndpoint("/sse").build()
        : null;
    McpServerTransportProvider provider = servlet == null ? new StdioServerTransportProvider(Json.mapper) : servlet;
    String capabilities =
        "{\"tools\":{\"listChanged\":true},\"resources\":{\"subscribe\":false,\"listChanged\":true},\"prompts\":{\"listChanged\":true},\"logging\":{}}";
    String note = "{\"uri\":\"" + Main.NOTE + "\",\"name\":\"note\",\"description\":\"\",\"mimeType\":\"text/plain\"}";
    server = McpServer.sync(provider)
        .serverInfo("compat", "1.0.0")
        .capabilities(Json.read(capabilities, McpSchema.ServerCapabilities.class))
        .tools(tools())
        .resources(new McpServerFeatures.SyncResourceSpecification(
            Json.read(note, McpSchema.Resource.class),
            (exchange, request) -> Json.read(Content.contents(Main.NOTE, "a note"), McpSchema.ReadResourceResult.class)))
        .prompts(new McpServerFeatures.SyncPromptSpecification(
            Json.read(Content.GREET, McpSchema.Prompt.class),
            (exchange, request) -> Json.read(Content.greeting(request.arguments().get("name")), McpSchema.GetPromptResult.class)))
        .build();
    return servlet;
  }

  static McpSyncClient connect(Map<String, Object> plan, Heard heard) {
    String capabilities = "{\"roots\":{},\"sampling\":{}}";
    String message = "{\"role\":\"assistant\",\"model\":\"none\",\"content\":{\"type\":\"text\",\"text\":\"something\"},\"stopReason\":\"endTurn\"}";
    return McpClient.sync(transport(plan))
        .requestTimeout(Duration.ofSeconds(50))
        .initializationTimeout(Duration.ofSeconds(50))
        .capabilities(Json.read(capabilities, McpSchema.ClientCapabilities.class))
        .roots(new McpSchema.Root("file:///compat", "compat"))
        .sampling(request -> Json.read(message, McpSchema.CreateMessageResult.class))
        .loggingConsumer(told -> heard.logs.add(String.valueOf(told.data())))
        .toolsChangeConsumer(tools -> heard.changed.incrementAndGet())
        .build();
  }

  private static McpClientTransport transport(Map<String, Object> plan) {
    if (plan.get("transport").equals("stdio")) {
      List<String> args = ((List<?>) plan.get("args")).stream().map(String::valueOf).toList();
      ServerParameters parameters = ServerParameters.builder((String) plan.get("command")).args(args).env(System.getenv()).build();
      StdioClientTransport transport = new StdioClientTransport(parameters, Json.mapper);
      transport.setStdErrorHandler(line -> {});
      return transport;
    }
    URI uri = URI.create((String) plan.get("url"));
    return HttpClientSseClientTransport.builder(uri.getScheme() + "://" + uri.getAuthority()).sseEndpoint(uri.getPath()).build();
  }

  static String complete(McpSyncClient client) {
    throw new Absent("this client has no call for it");
  }
}
