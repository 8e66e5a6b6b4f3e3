//! Runs the features that a plan names and prints one line of JSON for each: {feature, result: "yes" | "no" | "none", detail}.
use crate::{NOTE, read};
use rmcp::model::*;
use rmcp::service::{
    ClientLifecycleMode, NotificationContext, Peer, PeerRequestOptions, RequestContext, RoleClient, RunningService, serve_client_with_lifecycle,
};
use rmcp::transport::{StreamableHttpClientTransport, TokioChildProcess};
use rmcp::{ClientHandler, ErrorData};
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// What the server told outside of answers.
#[derive(Default)]
struct Heard {
    logs: Vec<String>,
    progress: Vec<f64>,
    updated: usize,
    changed: usize,
}

#[derive(Clone, Default)]
struct Handler(Arc<Mutex<Heard>>);

impl ClientHandler for Handler {
    fn get_info(&self) -> ClientConfig {
        let capabilities = json!({"roots": {}, "sampling": {}, "elicitation": {"form": {}}});
        ClientConfig::new(read(capabilities), Implementation::new("compat", "1.0.0"))
    }

    async fn create_message(&self, _: CreateMessageRequestParams, _: RequestContext<RoleClient>) -> Result<CreateMessageResult, ErrorData> {
        Ok(read(json!({"role": "assistant", "model": "none", "content": {"type": "text", "text": "something"}})))
    }

    async fn list_roots(&self, _: RequestContext<RoleClient>) -> Result<ListRootsResult, ErrorData> {
        Ok(read(json!({"roots": [{"uri": "file:///compat"}]})))
    }

    async fn create_elicitation(&self, _: ElicitRequestParams, _: RequestContext<RoleClient>) -> Result<ElicitResult, ErrorData> {
        Ok(read(json!({"action": "accept", "content": {"name": "Ada"}})))
    }

    async fn on_progress(&self, params: ProgressNotificationParam, _: NotificationContext<RoleClient>) {
        self.0.lock().expect("heard").progress.push(params.progress);
    }

    async fn on_logging_message(&self, params: LoggingMessageNotificationParam, _: NotificationContext<RoleClient>) {
        self.0.lock().expect("heard").logs.push(params.data.to_string());
    }

    async fn on_resource_updated(&self, _: ResourceUpdatedNotificationParam, _: NotificationContext<RoleClient>) {
        self.0.lock().expect("heard").updated += 1;
    }

    async fn on_tool_list_changed(&self, _: NotificationContext<RoleClient>) {
        self.0.lock().expect("heard").changed += 1;
    }
}

fn say(feature: &str, result: &str, detail: &str) {
    let detail: String = detail.chars().take(300).collect();
    println!("{}", json!({"feature": feature, "result": result, "detail": detail}));
}

enum Wrong {
    Absent(String),
    No(String),
}

type Found = Result<(), Wrong>;

fn no(error: impl ToString) -> Wrong {
    Wrong::No(error.to_string())
}

fn expect(found: impl Into<String>, wanted: &str) -> Found {
    let found = found.into();
    if found.contains(wanted) { Ok(()) } else { Err(Wrong::No(format!("got {found:?}"))) }
}

struct Runner {
    peer: Peer<RoleClient>,
    heard: Arc<Mutex<Heard>>,
    listed: Vec<String>,
    modern: bool,
    wait: Duration,
}

impl Runner {
    fn params(&self, name: &str, arguments: Value) -> CallToolRequestParams {
        let mut params = json!({"name": name, "arguments": arguments});
        if self.modern {
            params["_meta"] = json!({"io.modelcontextprotocol/logLevel": "info"});
        }
        read(params)
    }

    async fn call(&self, name: &str, arguments: Value) -> Result<Value, Wrong> {
        let result = self.peer.call_tool(self.params(name, arguments)).await.map_err(no)?;
        serde_json::to_value(result).map_err(no)
    }

    async fn tool(&self, name: &str, arguments: Value) -> Result<Value, Wrong> {
        if !self.listed.iter().any(|one| one == name) {
            return Err(Wrong::Absent(format!("no tool {name}")));
        }
        self.call(name, arguments).await
    }

    async fn tools(&self) -> Result<Vec<String>, Wrong> {
        let tools = self.peer.list_tools(None).await.map_err(no)?.tools;
        Ok(tools.into_iter().map(|tool| tool.name.to_string()).collect())
    }

    async fn until(&self, holds: impl Fn(&Heard) -> bool) -> bool {
        let end = Instant::now() + self.wait;
        while Instant::now() < end {
            if holds(&self.heard.lock().expect("heard")) {
                return true;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        holds(&self.heard.lock().expect("heard"))
    }

    /// Hears of what a stateless client has to ask for.
    async fn listen(&self, filter: Value) -> Found {
        let mut subscription = self.peer.listen(read(filter)).await.map_err(no)?;
        let heard = self.heard.clone();
        tokio::spawn(async move {
            while let Ok(Some(notification)) = subscription.next().await {
                let told = serde_json::to_string(&notification).unwrap_or_default();
                let mut heard = heard.lock().expect("heard");
                if told.contains("resources/updated") {
                    heard.updated += 1;
                } else if told.contains("tools/list_changed") {
                    heard.changed += 1;
                }
            }
        });
        Ok(())
    }

    async fn read(&self, uri: &str) -> Result<String, Wrong> {
        let result = self.peer.read_resource(read(json!({"uri": uri}))).await.map_err(no)?;
        Ok(serde_json::to_value(result).map_err(no)?["contents"][0]["text"].as_str().unwrap_or("").to_string())
    }

    async fn feature(&self, feature: &str) -> Found {
        let text = |result: &Value| result["content"][0]["text"].as_str().unwrap_or("").to_string();
        let question = match feature {
            "elicitation" => Some(("asks_user", "elicited: accept Ada")),
            "sampling" => Some(("asks_model", "sampled: something")),
            "roots" => Some(("asks_roots", "file:///compat")),
            "elicitation, any era" => Some(("needs_user", "elicited: accept Ada")),
            "sampling, any era" => Some(("needs_model", "sampled: something")),
            "roots, any era" => Some(("needs_roots", "file:///compat")),
            _ => None,
        };
        if let Some((name, wanted)) = question {
            return expect(text(&self.tool(name, json!({})).await?), wanted);
        }
        match feature {
            "ping" => {
                let ping = ClientRequest::PingRequest(PingRequest::default());
                self.peer.send_request(ping).await.map(|_| ()).map_err(no)
            }
            "tools" => expect(text(&self.call("echo", json!({"text": "hello"})).await?), "echo: hello"),
            "structured" => expect(self.tool("structured", json!({"a": 1})).await?["structuredContent"].to_string(), "{\"sum\":2}"),
            "image" => expect(self.tool("image", json!({})).await?["content"][0]["mimeType"].to_string(), "image/png"),
            "tool error" => {
                let result = self.tool("fails", json!({})).await?;
                expect(format!("{} {}", result["isError"], text(&result)), "true it failed")
            }
            "unknown tool" => match self.call("nowhere", json!({})).await {
                Ok(result) if result["isError"] != true => Err(Wrong::No("no error".into())),
                _ => Ok(()),
            },
            "progress" => {
                self.tool("progress", json!({})).await?;
                if self.until(|heard| heard.progress == [1.0, 2.0, 3.0]).await {
                    return Ok(());
                }
                Err(Wrong::No(format!("got {:?}", self.heard.lock().expect("heard").progress)))
            }
            "logs" => {
                if !self.modern {
                    let _ = self.peer.set_level(read(json!({"level": "info"}))).await;
                }
                self.tool("logs", json!({})).await?;
                if self.until(|heard| heard.logs.iter().any(|line| line.contains("hello from logs"))).await {
                    return Ok(());
                }
                Err(Wrong::No("got no such message".into()))
            }
            "resources" => {
                let listed = self.peer.list_resources(None).await.map_err(no)?.resources;
                if listed.is_empty() {
                    return Err(Wrong::Absent("no resources".into()));
                }
                expect(serde_json::to_string(&listed).unwrap_or_default(), NOTE)?;
                expect(self.read(NOTE).await?, "a note")
            }
            "templates" => {
                let listed = self.peer.list_resource_templates(None).await.map_err(no)?.resource_templates;
                if listed.is_empty() {
                    return Err(Wrong::Absent("no templates".into()));
                }
                expect(serde_json::to_string(&listed).unwrap_or_default(), "compat://item/{id}")?;
                expect(self.read("compat://item/7").await?, "item 7")
            }
            "subscriptions" => {
                if self.modern {
                    self.listen(json!({"resourceSubscriptions": [NOTE]})).await?;
                } else {
                    self.peer.subscribe(read(json!({"uri": NOTE}))).await.map_err(no)?;
                }
                self.tool("touch", json!({})).await?;
                if self.until(|heard| heard.updated > 0).await { Ok(()) } else { Err(Wrong::No("no notification".into())) }
            }
            "prompts" => {
                if self.peer.list_prompts(None).await.map_err(no)?.prompts.is_empty() {
                    return Err(Wrong::Absent("no prompts".into()));
                }
                let result = self.peer.get_prompt(read(json!({"name": "greet", "arguments": {"name": "Ada"}}))).await.map_err(no)?;
                expect(serde_json::to_string(&result).unwrap_or_default(), "Hello, Ada")
            }
            "completion" => {
                let found = self.peer.complete_prompt_argument("greet", "name", "A", None).await.map_err(no)?;
                expect(found.values.join(","), "Ada,Alan")
            }
            "list change" => {
                if self.modern {
                    self.listen(json!({"toolsListChanged": true})).await?;
                }
                let before = self.heard.lock().expect("heard").changed;
                self.tool("grow", json!({})).await?;
                let told = self.until(|heard| heard.changed > before).await;
                let end = Instant::now() + self.wait;
                loop {
                    let listed = self.tools().await?.iter().any(|name| name == "grown");
                    if listed {
                        return if told { Ok(()) } else { Err(Wrong::No("listed, but no notification".into())) };
                    }
                    if Instant::now() > end {
                        return Err(Wrong::No(if told { "not listed" } else { "not listed, and no notification" }.into()));
                    }
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            }
            "cancellation" => {
                if !self.listed.iter().any(|one| one == "wait") {
                    return Err(Wrong::Absent("no tool wait".into()));
                }
                let request = ClientRequest::CallToolRequest(CallToolRequest::new(self.params("wait", json!({}))));
                let handle = self.peer.send_cancellable_request(request, PeerRequestOptions::default()).await.map_err(no)?;
                tokio::time::sleep(Duration::from_millis(500)).await;
                handle.cancel(Some("enough".into())).await.map_err(no)?;
                let end = Instant::now() + self.wait;
                loop {
                    let counted = text(&self.call("cancellations", json!({})).await?);
                    if counted.contains("cancelled: 1") {
                        return Ok(());
                    }
                    if Instant::now() > end {
                        return Err(Wrong::No(format!("got {counted:?}")));
                    }
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            }
            _ => Err(Wrong::Absent("unknown feature".into())),
        }
    }
}

async fn connect(plan: &Value, handler: Handler) -> Result<RunningService<RoleClient, Handler>, String> {
    let lifecycle = if plan["mode"] == "auto" {
        ClientLifecycleMode::Auto { preferred_versions: vec![ProtocolVersion::LATEST], legacy_version: None }
    } else {
        ClientLifecycleMode::Initialize
    };
    if plan["transport"] == "stdio" {
        let mut command = tokio::process::Command::new(plan["command"].as_str().unwrap_or(""));
        command.args(plan["args"].as_array().into_iter().flatten().filter_map(Value::as_str));
        let child = TokioChildProcess::new(command).map_err(|error| error.to_string())?;
        return serve_client_with_lifecycle(handler, child, lifecycle).await.map_err(|error| error.to_string());
    }
    let transport = StreamableHttpClientTransport::from_uri(plan["url"].as_str().unwrap_or(""));
    serve_client_with_lifecycle(handler, transport, lifecycle).await.map_err(|error| error.to_string())
}

pub async fn run(plan: Value) {
    let handler = Handler::default();
    let heard = handler.0.clone();
    let limit = Duration::from_millis(plan["connectMs"].as_u64().unwrap_or(20_000));
    let running = match tokio::time::timeout(limit, connect(&plan, handler)).await {
        Ok(Ok(running)) => running,
        Ok(Err(why)) => return say("connect", "no", &why),
        Err(_) => return say("connect", "no", "no connection in time"),
    };
    let revision = running.peer_info().map(|info| info.protocol_version.to_string()).unwrap_or_default();
    let wait = Duration::from_millis(plan["waitMs"].as_u64().unwrap_or(4_000));
    let mut runner = Runner { peer: running.peer().clone(), heard, listed: Vec::new(), modern: revision.as_str() >= "2026", wait };
    match runner.tools().await {
        Ok(names) => runner.listed = names,
        Err(Wrong::Absent(why) | Wrong::No(why)) => return say("connect", "no", &why),
    }
    say("connect", "yes", &revision);
    for feature in plan["features"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        match tokio::time::timeout(wait * 5 / 2, runner.feature(feature)).await {
            Ok(Ok(())) => say(feature, "yes", ""),
            Ok(Err(Wrong::No(why))) => say(feature, "no", &why),
            Ok(Err(Wrong::Absent(why))) => say(feature, "none", &why),
            Err(_) => say(feature, "no", "no answer in time"),
        }
    }
    println!("{}", json!({"done": true}));
    std::process::exit(0);
}
