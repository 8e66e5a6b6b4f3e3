//! The fixture on rmcp. `server TRANSPORT PORT` serves, `client PLAN` drives a server as a client of this SDK does.
#![allow(deprecated)]
mod client;
mod server;

pub const NOTE: &str = "compat://note";

/// A value of the SDK from JSON.
pub fn read<T: serde::de::DeserializeOwned>(value: serde_json::Value) -> T {
    serde_json::from_value(value).expect("a value of the SDK")
}

#[tokio::main]
async fn main() {
    let args: Vec<String> = std::env::args().collect();
    if args[1] == "client" {
        client::run(serde_json::from_str(&args[2]).expect("a plan")).await;
    } else {
        server::serve(&args[2], &args[3]).await;
    }
}
