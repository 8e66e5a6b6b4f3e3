//! What the server offers.
use crate::{NOTE, read};
use rmcp::model::*;
use rmcp::service::{Peer, RequestContext, RoleServer, SubscriptionContext, SubscriptionSink};
use rmcp::transport::streamable_http_server::{StreamableHttpServerConfig, StreamableHttpService, session::local::LocalSessionManager};
use rmcp::{ErrorData, ServerHandler, ServiceExt};
use serde_json::{Value, json};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

#[derive(Clone, Default)]
pub struct Fixture {
    cancelled: Arc<AtomicUsize>,
    grown: Arc<AtomicBool>,
    peers: Arc<Mutex<Vec<Peer<RoleServer>>>>,
    listeners: Arc<Mutex<Vec<SubscriptionSink>>>,
}

fn says(text: impl Into<String>) -> Value {
    json!({"content": [{"type": "text", "text": text.into()}]})
}

/// A result, of the type that clients of 2026-07-28 need to be told.
fn whole<T: serde::de::DeserializeOwned>(mut result: Value) -> T {
    result["resultType"] = json!("complete");
    read(result)
}

fn failed(error: impl ToString) -> ErrorData {
    ErrorData::internal_error(error.to_string(), None)
}

fn question() -> Value {
    let schema = json!({"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]});
    json!({"message": "Who are you?", "requestedSchema": schema})
}

fn prompt() -> Value {
    json!({"maxTokens": 10, "messages": [{"role": "user", "content": {"type": "text", "text": "Say something"}}]})
}

impl Fixture {
    fn tools(&self) -> Vec<Value> {
        let tool = |name: &str, input: Value| json!({"name": name, "inputSchema": input});
        let nothing = || json!({"type": "object", "properties": {}});
        let mut tools = vec![
            tool("echo", json!({"type": "object", "properties": {"text": {"type": "string"}}, "required": ["text"]})),
            json!({
                "name": "structured",
                "inputSchema": {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]},
                "outputSchema": {"type": "object", "properties": {"sum": {"type": "integer"}}, "required": ["sum"]},
            }),
        ];
        for name in ["image", "fails", "progress", "logs", "asks_user", "asks_model", "asks_roots", "touch", "grow", "wait", "cancellations"] {
            tools.push(tool(name, nothing()));
        }
        if self.grown.load(Ordering::SeqCst) {
            tools.push(tool("grown", nothing()));
        }
        tools
    }

    async fn run(&self, request: CallToolRequestParams, context: RequestContext<RoleServer>) -> Result<Value, ErrorData> {
        let arguments = Value::Object(request.arguments.unwrap_or_default());
        let peer = &context.peer;
        Ok(match request.name.as_ref() {
            "echo" => says(format!("echo: {}", arguments["text"].as_str().unwrap_or(""))),
            "structured" => {
                let sum = arguments["a"].as_i64().unwrap_or(0) + 1;
                json!({"content": [{"type": "text", "text": sum.to_string()}], "structuredContent": {"sum": sum}})
            }
            "image" => json!({"content": [{"type": "image", "mimeType": "image/png", "data": "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="}]}),
            "fails" => json!({"content": [{"type": "text", "text": "it failed"}], "isError": true}),
            "progress" => {
                for step in 1..=3 {
                    let Some(token) = context.meta.get_progress_token() else { break };
                    peer.notify_progress(read(json!({"progressToken": token, "progress": step, "total": 3}))).await.map_err(failed)?;
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
                says("done")
            }
            "logs" => {
                peer.notify_logging_message(read(json!({"level": "info", "data": "hello from logs"}))).await.map_err(failed)?;
                says("logged")
            }
            "asks_user" => {
                let answer = peer.create_elicitation(read(question())).await.map_err(failed)?;
                let answer = serde_json::to_value(answer).map_err(failed)?;
                says(format!("elicited: {} {}", answer["action"].as_str().unwrap_or(""), answer["content"]["name"].as_str().unwrap_or("")))
            }
            "asks_model" => {
                let answer = serde_json::to_value(peer.create_message(read(prompt())).await.map_err(failed)?).map_err(failed)?;
                says(format!("sampled: {}", answer["content"]["text"].as_str().unwrap_or("")))
            }
            "asks_roots" => says(format!("roots: {}", serde_json::to_string(&peer.list_roots().await.map_err(failed)?).map_err(failed)?)),
            "touch" => {
                let peers = self.peers.lock().expect("peers").clone();
                for one in peers {
                    let _ = one.notify_resource_updated(read(json!({"uri": NOTE}))).await;
                }
                let listeners = self.listeners.lock().expect("listeners").clone();
                for one in listeners {
                    let _ = one.notify_resource_updated(NOTE).await;
                }
                says("touched")
            }
            "grow" => {
                self.grown.store(true, Ordering::SeqCst);
                let _ = peer.notify_tool_list_changed().await;
                let listeners = self.listeners.lock().expect("listeners").clone();
                for one in listeners {
                    let _ = one.notify_tool_list_changed().await;
                }
                says("grew")
            }
            "wait" => {
                tokio::select! {
                    _ = context.ct.cancelled() => { self.cancelled.fetch_add(1, Ordering::SeqCst); }
                    _ = tokio::time::sleep(Duration::from_secs(20)) => {}
                }
                says("waited")
            }
            "cancellations" => says(format!("cancelled: {}", self.cancelled.load(Ordering::SeqCst))),
            "grown" if self.grown.load(Ordering::SeqCst) => says("grown"),
            name => return Err(ErrorData::invalid_params(format!("unknown tool {name}"), None)),
        })
    }
}

impl ServerHandler for Fixture {
    fn get_info(&self) -> ServerConfig {
        let capabilities = json!({
            "tools": {"listChanged": true}, "resources": {"subscribe": true, "listChanged": true}, "prompts": {}, "logging": {}, "completions": {},
        });
        ServerConfig::new(read(capabilities)).with_server_info(Implementation::new("compat", "1.0.0"))
    }

    async fn list_tools(&self, _: Option<PaginatedRequestParams>, _: RequestContext<RoleServer>) -> Result<ListToolsResult, ErrorData> {
        Ok(whole(json!({"tools": self.tools()})))
    }

    async fn call_tool(&self, request: CallToolRequestParams, context: RequestContext<RoleServer>) -> Result<CallToolResponse, ErrorData> {
        let result: CallToolResult = whole(self.run(request, context).await?);
        Ok(result.into())
    }

    async fn list_resources(&self, _: Option<PaginatedRequestParams>, _: RequestContext<RoleServer>) -> Result<ListResourcesResult, ErrorData> {
        Ok(whole(json!({"resources": [{"uri": NOTE, "name": "note", "mimeType": "text/plain"}]})))
    }

    async fn list_resource_templates(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListResourceTemplatesResult, ErrorData> {
        Ok(whole(json!({"resourceTemplates": [{"uriTemplate": "compat://item/{id}", "name": "item"}]})))
    }

    async fn read_resource(&self, request: ReadResourceRequestParams, _: RequestContext<RoleServer>) -> Result<ReadResourceResponse, ErrorData> {
        let text = match request.uri.strip_prefix("compat://item/") {
            Some(id) => format!("item {id}"),
            None if request.uri == NOTE => "a note".to_string(),
            None => return Err(ErrorData::resource_not_found("no such resource", None)),
        };
        let result: ReadResourceResult = whole(json!({"contents": [{"uri": request.uri, "text": text}]}));
        Ok(result.into())
    }

    async fn subscribe(&self, _: SubscribeRequestParams, context: RequestContext<RoleServer>) -> Result<(), ErrorData> {
        self.peers.lock().expect("peers").push(context.peer);
        Ok(())
    }

    async fn unsubscribe(&self, _: UnsubscribeRequestParams, _: RequestContext<RoleServer>) -> Result<(), ErrorData> {
        Ok(())
    }

    fn accepted_subscription_filter(&self, requested: &SubscriptionFilter) -> Option<SubscriptionFilter> {
        Some(requested.clone())
    }

    async fn listen(&self, context: SubscriptionContext) -> Result<(), ErrorData> {
        self.listeners.lock().expect("listeners").push(context.sink().clone());
        context.cancelled().await;
        Ok(())
    }

    async fn list_prompts(&self, _: Option<PaginatedRequestParams>, _: RequestContext<RoleServer>) -> Result<ListPromptsResult, ErrorData> {
        Ok(whole(json!({"prompts": [{"name": "greet", "arguments": [{"name": "name", "required": true}]}]})))
    }

    async fn get_prompt(&self, request: GetPromptRequestParams, _: RequestContext<RoleServer>) -> Result<GetPromptResponse, ErrorData> {
        let arguments = serde_json::to_value(request.arguments).map_err(failed)?;
        let text = format!("Hello, {}", arguments["name"].as_str().unwrap_or(""));
        let result: GetPromptResult = whole(json!({"messages": [{"role": "user", "content": {"type": "text", "text": text}}]}));
        Ok(result.into())
    }

    async fn complete(&self, request: CompleteRequestParams, _: RequestContext<RoleServer>) -> Result<CompleteResult, ErrorData> {
        let values: Vec<_> = ["Ada", "Alan"].into_iter().filter(|name| name.starts_with(&request.argument.value)).collect();
        Ok(whole(json!({"completion": {"values": values}})))
    }

    async fn set_level(&self, _: SetLevelRequestParams, _: RequestContext<RoleServer>) -> Result<(), ErrorData> {
        Ok(())
    }
}

pub async fn serve(transport: &str, port: &str) {
    let fixture = Fixture::default();
    if transport == "stdio" {
        let running = fixture.serve(rmcp::transport::stdio()).await.expect("a client");
        let _ = running.waiting().await;
        return;
    }
    let config = StreamableHttpServerConfig::default();
    let service: StreamableHttpService<Fixture, LocalSessionManager> =
        StreamableHttpService::new(move || Ok(fixture.clone()), Default::default(), config);
    let router = axum::Router::new().nest_service("/mcp", service);
    let listener = tokio::net::TcpListener::bind(format!("127.0.0.1:{port}")).await.expect("a port");
    axum::serve(listener, router).await.expect("served");
}
