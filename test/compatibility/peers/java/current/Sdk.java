import io.modelcontextprotocol.client.McpClient;
import io.modelcontextprotocol.client.McpSyncClient;
import io.modelcontextprotocol.client.transport.HttpClientSseClientTransport;
import io.modelcontextprotocol.client.transport.HttpClientStreamableHttpTransport;
import io.modelcontextprotocol.client.transport.ServerParameters;
import io.modelcontextprotocol.client.transport.StdioClientTransport;
import io.modelcontextprotocol.server.McpServer;
import io.modelcontextprotocol.server.McpServerFeatures;
import io.modelcontextprotocol.server.McpSyncServer;
import io.modelcontextprotocol.server.McpSyncServerExchange;
import io.modelcontextprotocol.server.transport.HttpServletSseServerTransportProvider;
import io.modelcontextprotocol.server.transport.HttpServletStreamableServerTransportProvider;
import io.modelcontextprotocol.server.transport.StdioServerTransportProvider;
import io.modelcontextprotocol.spec.McpClientTransport;
import io.modelcontextprotocol.spec.McpSchema;
import jakarta.servlet.http.HttpServlet;
import java.net.URI;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BiFunction;

/** Client and server on the SDK from 0.17 on. */
final class Sdk {
  static final boolean MODERN_ENOUGH = true;
  private static final AtomicInteger cancelled = new AtomicInteger();
  private static McpSyncServer server;

  interface Handler extends BiFunction<McpSyncServerExchange, McpSchema.CallToolRequest, String> {}

  private static McpServerFeatures.SyncToolSpecification tool(String definition, Handler handler) {
    return McpServerFeatures.SyncToolSpecification.builder()
        .tool(Json.read(definition, McpSchema.Tool.class))
        .callHandler((exchange, request) -> Json.read(handler.apply(exchange, request), McpSchema.CallToolResult.class))
        .build();
  }

  private static McpServerFeatures.SyncToolSpecification tool(String name, String input, Handler handler) {
    return tool(Content.tool(name, input), handler);
  }

  private static List<McpServerFeatures.SyncToolSpecification> tools() {
    List<McpServerFeatures.SyncToolSpecification> tools = new ArrayList<>();
    tools.add(tool("echo", Content.ECHO, (exchange, request) -> Content.says("echo: " + request.arguments().get("text"))));
    String structured = "{\"name\":\"structured\",\"description\":\"\",\"inputSchema\":" + Content.NUMBER + ",\"outputSchema\":" + Content.SUM + "}";
    tools.add(tool(structured, (exchange, request) -> {
      int sum = ((Number) request.arguments().get("a")).intValue() + 1;
      return "{\"content\":[{\"type\":\"text\",\"text\":\"" + sum + "\"}],\"isError\":false,\"structuredContent\":{\"sum\":" + sum + "}}";
    }));
    String image = "{\"content\":[{\"type\":\"image\",\"data\":\"" + Content.PIXEL + "\",\"mimeType\":\"image/png\"}],\"isError\":false}";
    tools.add(tool("image", Content.NOTHING, (exchange, request) -> image));
    tools.add(tool("fails", Content.NOTHING, (exchange, request) -> "{\"content\":[{\"type\":\"text\",\"text\":\"it failed\"}],\"isError\":true}"));
    tools.add(tool("progress", Content.NOTHING, (exchange, request) -> {
      Object token = request.progressToken();
      for (int step = 1; step <= 3 && token != null; step += 1) {
        exchange.progressNotification(new McpSchema.ProgressNotification(token, (double) step, 3.0, null));
        pause(100);
      }
      return Content.says("done");
    }));
    tools.add(tool("logs", Content.NOTHING, (exchange, request) -> {
      String message = "{\"level\":\"info\",\"logger\":\"compat\",\"data\":\"hello from logs\"}";
      exchange.loggingNotification(Json.read(message, McpSchema.LoggingMessageNotification.class));
      return Content.says("logged");
    }));
    tools.add(tool("asks_user", Content.NOTHING, (exchange, request) -> {
      McpSchema.ElicitResult answer = exchange.createElicitation(Json.read(Content.QUESTION, McpSchema.ElicitRequest.class));
      Map<String, Object> content = answer.content() == null ? Map.of() : answer.content();
      return Content.says("elicited: " + answer.action().toString().toLowerCase() + " " + content.get("name"));
    }));
    tools.add(tool("asks_model", Content.NOTHING, (exchange, request) -> {
      McpSchema.CreateMessageResult answer = exchange.createMessage(Json.read(Content.PROMPT, McpSchema.CreateMessageRequest.class));
      return Content.says("sampled: " + Json.read(Json.write(answer.content()), Map.class).get("text"));
    }));
    tools.add(tool("asks_roots", Content.NOTHING, (exchange, request) -> Content.says("roots: " + Json.write(exchange.listRoots().roots()))));
    tools.add(tool("touch", Content.NOTHING, (exchange, request) -> {
      server.notifyResourcesUpdated(new McpSchema.ResourcesUpdatedNotification(Main.NOTE));
      return Content.says("touched");
    }));
    tools.add(tool("grow", Content.NOTHING, (exchange, request) -> {
      server.addTool(tool("grown", Content.NOTHING, (one, two) -> Content.says("grown")));
      return Content.says("grew");
    }));
    tools.add(tool("wait", Content.NOTHING, (exchange, request) -> {
      if (pause(20_000)) cancelled.incrementAndGet();
      return Content.says("waited");
    }));
    tools.add(tool("cancellations", Content.NOTHING, (exchange, request) -> Content.says("cancelled: " + cancelled.get())));
    return tools;
  }

  /** Whether it was interrupted. */
  private static boolean pause(long ms) {
    try {
      Thread.sleep(ms);
      return false;
    } catch (InterruptedException error) {
      return true;
    }
  }

  static HttpServlet serve(String transport) {
    McpServer.SyncSpecification<?> specification;
    HttpServlet servlet = null;
    if (transport.equals("http")) {
      var provider = HttpServletStreamableServerTransportProvider.builder().jsonMapper(Json.mapper).mcpEndpoint("/mcp").build();
      servlet = provider;
      specification = McpServer.sync(provider);
    } else if (transport.equals("sse")) {
      var provider = HttpServletSseServerTransportProvider.builder().jsonMapper(Json.mapper).messageEndpoint("/messages").sseEndpoint("/sse").build();
      servlet = provider;
      specification = McpServer.sync(provider);
    } else {
      specification = McpServer.sync(new StdioServerTransportProvider(Json.mapper));
    }
    String capabilities =
        "{\"tools\":{\"listChanged\":true},\"resources\":{\"subscribe\":true,\"listChanged\":true},\"prompts\":{\"listChanged\":true},\"logging\":{},\"completions\":{}}";
    String note = "{\"uri\":\"" + Main.NOTE + "\",\"name\":\"note\",\"mimeType\":\"text/plain\"}";
    String item = "{\"uriTemplate\":\"compat://item/{id}\",\"name\":\"item\",\"mimeType\":\"text/plain\"}";
    String reference = "{\"type\":\"ref/prompt\",\"name\":\"greet\"}";
    server = specification
        .serverInfo("compat", "1.0.0")
        .capabilities(Json.read(capabilities, McpSchema.ServerCapabilities.class))
        .tools(tools())
        .resources(new McpServerFeatures.SyncResourceSpecification(
            Json.read(note, McpSchema.Resource.class),
            (exchange, request) -> Json.read(Content.contents(Main.NOTE, "a note"), McpSchema.ReadResourceResult.class)))
        .resourceTemplates(new McpServerFeatures.SyncResourceTemplateSpecification(
            Json.read(item, McpSchema.ResourceTemplate.class),
            (exchange, request) -> Json.read(
                Content.contents(request.uri(), "item " + request.uri().replace("compat://item/", "")), McpSchema.ReadResourceResult.class)))
        .prompts(new McpServerFeatures.SyncPromptSpecification(
            Json.read(Content.GREET, McpSchema.Prompt.class),
            (exchange, request) -> Json.read(Content.greeting(request.arguments().get("name")), McpSchema.GetPromptResult.class)))
        .completions(new McpServerFeatures.SyncCompletionSpecification(
            Json.read(reference, McpSchema.PromptReference.class),
            (exchange, request) -> Json.read("{\"completion\":{\"values\":[\"Ada\",\"Alan\"],\"total\":2,\"hasMore\":false}}", McpSchema.CompleteResult.class)))
        .build();
    return servlet;
  }

  static McpSyncClient connect(Map<String, Object> plan, Heard heard) {
    String capabilities = "{\"roots\":{},\"sampling\":{},\"elicitation\":{}}";
    String person = "{\"action\":\"accept\",\"content\":{\"name\":\"Ada\"}}";
    String message = "{\"role\":\"assistant\",\"model\":\"none\",\"content\":{\"type\":\"text\",\"text\":\"something\"}}";
    return McpClient.sync(transport(plan))
        .requestTimeout(Duration.ofSeconds(50))
        .initializationTimeout(Duration.ofSeconds(50))
        .capabilities(Json.read(capabilities, McpSchema.ClientCapabilities.class))
        .roots(new McpSchema.Root("file:///compat", "compat"))
        .sampling(request -> Json.read(message, McpSchema.CreateMessageResult.class))
        .elicitation(request -> Json.read(person, McpSchema.ElicitResult.class))
        .loggingConsumer(told -> heard.logs.add(String.valueOf(told.data())))
        .progressConsumer(told -> heard.progress.add(told.progress()))
        .toolsChangeConsumer(tools -> heard.changed.incrementAndGet())
        .resourcesUpdateConsumer(contents -> heard.updated.incrementAndGet())
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
    String base = uri.getScheme() + "://" + uri.getAuthority();
    if (plan.get("transport").equals("sse")) return HttpClientSseClientTransport.builder(base).sseEndpoint(uri.getPath()).build();
    return HttpClientStreamableHttpTransport.builder(base).endpoint(uri.getPath()).build();
  }

  static String complete(McpSyncClient client) {
    McpSchema.CompleteRequest request = new McpSchema.CompleteRequest(
        new McpSchema.PromptReference("ref/prompt", "greet"), new McpSchema.CompleteRequest.CompleteArgument("name", "A"));
    return Json.write(client.completeCompletion(request).completion().values());
  }
}
