import io.modelcontextprotocol.client.McpSyncClient;
import io.modelcontextprotocol.spec.McpSchema;
import jakarta.servlet.http.HttpServlet;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.BooleanSupplier;
import org.eclipse.jetty.ee10.servlet.ServletContextHandler;
import org.eclipse.jetty.ee10.servlet.ServletHolder;
import org.eclipse.jetty.server.Server;
import org.eclipse.jetty.server.ServerConnector;

/** `server TRANSPORT PORT` serves the fixture; `client PLAN` drives a server and prints one line of JSON a feature. */
public final class Main {
  static final String NOTE = "compat://note";

  public static void main(String[] args) throws Exception {
    if (args[0].equals("server")) serve(args[1], Integer.parseInt(args[2]));
    else new Main(Json.read(args[1], Map.class)).run();
  }

  private static void serve(String transport, int port) throws Exception {
    HttpServlet servlet = Sdk.serve(transport);
    if (servlet == null) {
      // The SDK goes on when its input has ended; nothing is left behind where the client was killed.
      ProcessHandle.current().parent().ifPresent(parent -> parent.onExit().thenRun(() -> System.exit(0)));
      Thread.currentThread().join();
      return;
    }
    Server server = new Server();
    ServerConnector connector = new ServerConnector(server);
    connector.setHost("127.0.0.1");
    connector.setPort(port);
    server.addConnector(connector);
    ServletContextHandler handler = new ServletContextHandler();
    ServletHolder holder = new ServletHolder(servlet);
    holder.setAsyncSupported(true);
    handler.addServlet(holder, "/*");
    server.setHandler(handler);
    server.start();
    server.join();
  }

  private final Map<String, Object> plan;
  private final Heard heard = new Heard();
  private final long waitMs;
  private McpSyncClient client;
  private List<String> listed = List.of();

  private Main(Map<String, Object> plan) {
    this.plan = plan;
    this.waitMs = ((Number) plan.getOrDefault("waitMs", 4000)).longValue();
  }

  private static synchronized void say(String feature, String result, String detail) {
    Map<String, Object> line = new LinkedHashMap<>();
    line.put("feature", feature);
    line.put("result", result);
    line.put("detail", detail.length() > 300 ? detail.substring(0, 300) : detail);
    System.out.println(Json.write(line));
  }

  private void run() {
    try {
      long limit = ((Number) plan.getOrDefault("connectMs", 20000)).longValue();
      String revision = within(limit, () -> {
        client = Sdk.connect(plan, heard);
        String told = client.initialize().protocolVersion();
        listed = names(client.listTools(), "tools", "name");
        return told;
      });
      say("connect", "yes", revision);
    } catch (Throwable error) {
      say("connect", "no", reason(error));
      System.exit(1);
    }
    for (Object feature : (List<?>) plan.get("features")) {
      if (feature.equals("restart")) restart();
      else attempt(feature.toString());
    }
    System.out.println("{\"done\":true}");
    System.exit(0);
  }

  private void restart() {
    try {
      call("echo", "{\"text\":\"before\"}");
      System.out.println("{\"waiting\":true}");
      new BufferedReader(new InputStreamReader(System.in)).readLine();
    } catch (Throwable error) {
      say("tools", "no", reason(error));
      return;
    }
    attempt("tools");
  }

  private interface Work<T> {
    T run() throws Exception;
  }

  private static <T> T within(long ms, Work<T> work) throws Throwable {
    CompletableFuture<T> done = new CompletableFuture<>();
    Thread thread = new Thread(() -> {
      try {
        done.complete(work.run());
      } catch (Throwable error) {
        done.completeExceptionally(error);
      }
    });
    thread.setDaemon(true);
    thread.start();
    try {
      return done.get(ms, TimeUnit.MILLISECONDS);
    } catch (ExecutionException error) {
      throw error.getCause();
    } catch (TimeoutException error) {
      throw new IllegalStateException("no answer in time");
    }
  }

  private void attempt(String feature) {
    try {
      String wrong = within(waitMs * 5 / 2, () -> feature(feature));
      say(feature, wrong == null ? "yes" : "no", wrong == null ? "" : wrong);
    } catch (Absent absent) {
      say(feature, "none", absent.getMessage());
    } catch (Throwable error) {
      say(feature, "no", reason(error));
    }
  }

  private static String reason(Throwable error) {
    Throwable cause = error;
    while (cause.getCause() != null && cause.getCause() != cause) cause = cause.getCause();
    return cause.getClass().getSimpleName() + ": " + cause.getMessage();
  }

  private String feature(String feature) throws Exception {
    switch (feature) {
      case "ping":
        client.ping();
        return null;
      case "tools":
        return expect(text(call("echo", "{\"text\":\"hello\"}")), "echo: hello");
      case "structured":
        needs("structured");
        return expect(Json.write(call("structured", "{\"a\":1}").get("structuredContent")), "{\"sum\":2}");
      case "image": {
        needs("image");
        Map<?, ?> block = blocks(call("image", "{}")).get(0);
        return expect(block.get("type") + " " + block.get("mimeType"), "image image/png");
      }
      case "tool error": {
        needs("fails");
        Map<String, Object> result = call("fails", "{}");
        return Boolean.TRUE.equals(result.get("isError")) ? expect(text(result), "it failed") : "no error: " + text(result);
      }
      case "unknown tool":
        try {
          return Boolean.TRUE.equals(call("nowhere", "{}").get("isError")) ? null : "no error";
        } catch (RuntimeException error) {
          return null;
        }
      case "progress":
        needs("progress");
        if (!Sdk.MODERN_ENOUGH) throw new Absent("this client has no call for it");
        call("progress", "{}", "{\"progressToken\":\"steps\"}");
        until(() -> heard.progress.size() >= 3);
        return expect(heard.progress.toString(), "[1.0, 2.0, 3.0]");
      case "logs":
        needs("logs");
        try {
          client.setLoggingLevel(McpSchema.LoggingLevel.INFO);
        } catch (RuntimeException error) {
          // Many servers log without having a level.
        }
        call("logs", "{}");
        return until(() -> heard.logs.toString().contains("hello from logs")) ? null : "got " + heard.logs;
      case "elicitation":
        return asks("asks_user", "elicited: accept Ada");
      case "sampling":
        return asks("asks_model", "sampled: something");
      case "roots":
        return asks("asks_roots", "file:///compat");
      case "elicitation, any era":
        return asks("needs_user", "elicited: accept Ada");
      case "sampling, any era":
        return asks("needs_model", "sampled: something");
      case "roots, any era":
        return asks("needs_roots", "file:///compat");
      case "resources": {
        List<String> uris = names(client.listResources(), "resources", "uri");
        if (uris.isEmpty()) throw new Absent("no resources");
        String wrong = expect(uris.toString(), NOTE);
        return wrong != null ? wrong : expect(read(NOTE), "a note");
      }
      case "templates": {
        List<String> uris = names(client.listResourceTemplates(), "resourceTemplates", "uriTemplate");
        if (uris.isEmpty()) throw new Absent("no templates");
        String wrong = expect(uris.toString(), "compat://item/{id}");
        return wrong != null ? wrong : expect(read("compat://item/7"), "item 7");
      }
      case "subscriptions":
        needs("touch");
        if (!Sdk.MODERN_ENOUGH) throw new Absent("this client does not hear of it");
        client.subscribeResource(Json.read("{\"uri\":\"" + NOTE + "\"}", McpSchema.SubscribeRequest.class));
        call("touch", "{}");
        return until(() -> heard.updated.get() > 0) ? null : "no notification";
      case "prompts": {
        if (names(client.listPrompts(), "prompts", "name").isEmpty()) throw new Absent("no prompts");
        String request = "{\"name\":\"greet\",\"arguments\":{\"name\":\"Ada\"}}";
        return expect(Json.write(client.getPrompt(Json.read(request, McpSchema.GetPromptRequest.class))), "Hello, Ada");
      }
      case "completion":
        return expect(Sdk.complete(client), "[\"Ada\",\"Alan\"]");
      case "list change": {
        needs("grow");
        int before = heard.changed.get();
        call("grow", "{}");
        boolean told = until(() -> heard.changed.get() > before);
        boolean found = until(() -> names(client.listTools(), "tools", "name").contains("grown"));
        if (found) return told ? null : "listed, but no notification";
        return told ? "not listed" : "not listed, and no notification";
      }
      case "cancellation":
        throw new Absent("this client has no call for it");
      default:
        throw new Absent("unknown feature");
    }
  }

  private String asks(String tool, String wanted) {
    needs(tool);
    return expect(text(call(tool, "{}")), wanted);
  }

  private void needs(String tool) {
    if (!listed.contains(tool)) throw new Absent("no tool " + tool);
  }

  private boolean until(BooleanSupplier holds) throws InterruptedException {
    for (long end = System.currentTimeMillis() + waitMs; System.currentTimeMillis() < end; Thread.sleep(50)) if (holds.getAsBoolean()) return true;
    return holds.getAsBoolean();
  }

  private static String expect(String found, String wanted) {
    return found.contains(wanted) ? null : "got " + found;
  }

  private Map<String, Object> call(String name, String arguments) {
    return call(name, arguments, null);
  }

  @SuppressWarnings("unchecked")
  private Map<String, Object> call(String name, String arguments, String meta) {
    String request = "{\"name\":\"" + name + "\",\"arguments\":" + arguments + (meta == null ? "" : ",\"_meta\":" + meta) + "}";
    return Json.read(Json.write(client.callTool(Json.read(request, McpSchema.CallToolRequest.class))), Map.class);
  }

  private String read(String uri) {
    return Json.write(client.readResource(Json.read("{\"uri\":\"" + uri + "\"}", McpSchema.ReadResourceRequest.class)));
  }

  @SuppressWarnings("unchecked")
  private static List<Map<String, Object>> blocks(Map<String, Object> result) {
    return (List<Map<String, Object>>) result.get("content");
  }

  private static String text(Map<String, Object> result) {
    List<String> texts = new ArrayList<>();
    for (Map<String, Object> block : blocks(result)) texts.add(String.valueOf(block.getOrDefault("text", block.get("type"))));
    return String.join(" ", texts);
  }

  private static List<String> names(Object result, String list, String member) {
    List<String> found = new ArrayList<>();
    Object items = Json.read(Json.write(result), Map.class).get(list);
    if (items != null) for (Object item : (List<?>) items) found.add(String.valueOf(((Map<?, ?>) item).get(member)));
    return found;
  }
}
