// The fixture on the official Go SDK. `server TRANSPORT PORT` serves, `client PLAN` drives a server as a client of this SDK does.
package main

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"sync/atomic"
	"time"

	"compatibility/plan"

	"github.com/modelcontextprotocol/go-sdk/mcp"
)

func main() {
	if os.Args[1] == "client" {
		client(plan.Read(os.Args[2]))
	} else {
		serve(os.Args[2], os.Args[3])
	}
}

var cancelled atomic.Int32

var schema = map[string]any{
	"type":       "object",
	"properties": map[string]any{"name": map[string]any{"type": "string"}},
	"required":   []string{"name"},
}

func says(text string) *mcp.CallToolResult {
	return &mcp.CallToolResult{Content: []mcp.Content{&mcp.TextContent{Text: text}}}
}

type nothing struct{}

type sum struct {
	Sum int `json:"sum"`
}

func question() *mcp.ElicitParams {
	return &mcp.ElicitParams{Message: "Who are you?", RequestedSchema: schema}
}

func prompt() *mcp.CreateMessageParams {
	return &mcp.CreateMessageParams{
		MaxTokens: 10,
		Messages:  []*mcp.SamplingMessage{{Role: "user", Content: &mcp.TextContent{Text: "Say something"}}},
	}
}

func elicited(answer *mcp.ElicitResult) *mcp.CallToolResult {
	return says(fmt.Sprintf("elicited: %s %v", answer.Action, answer.Content["name"]))
}

func rooted(answer *mcp.ListRootsResult) *mcp.CallToolResult {
	var uris []string
	for _, root := range answer.Roots {
		uris = append(uris, root.URI)
	}
	return says("roots: " + strings.Join(uris, " "))
}

func text(content mcp.Content) string {
	if block, ok := content.(*mcp.TextContent); ok {
		return block.Text
	}
	return fmt.Sprintf("%T", content)
}

func tool(server *mcp.Server, name string, run func(context.Context, *mcp.CallToolRequest) (*mcp.CallToolResult, error)) {
	mcp.AddTool(server, &mcp.Tool{Name: name}, func(ctx context.Context, req *mcp.CallToolRequest, _ nothing) (*mcp.CallToolResult, any, error) {
		result, err := run(ctx, req)
		return result, nil, err
	})
}

// asking asks in the way of either era: the SDK turns the requests into real ones for a session.
func asking(server *mcp.Server, name string, request mcp.InputRequest, tell func(mcp.InputResponse) *mcp.CallToolResult) {
	tool(server, name, func(_ context.Context, req *mcp.CallToolRequest) (*mcp.CallToolResult, error) {
		if answer, ok := req.Params.InputResponses["answer"]; ok {
			return tell(answer), nil
		}
		return &mcp.CallToolResult{InputRequests: mcp.InputRequestMap{"answer": request}}, nil
	})
}

func makeServer() *mcp.Server {
	server := mcp.NewServer(&mcp.Implementation{Name: "compat", Version: "1.0.0"}, &mcp.ServerOptions{
		SubscribeHandler:   func(context.Context, *mcp.SubscribeRequest) error { return nil },
		UnsubscribeHandler: func(context.Context, *mcp.UnsubscribeRequest) error { return nil },
		CompletionHandler: func(_ context.Context, req *mcp.CompleteRequest) (*mcp.CompleteResult, error) {
			var values []string
			for _, name := range []string{"Ada", "Alan"} {
				if strings.HasPrefix(name, req.Params.Argument.Value) {
					values = append(values, name)
				}
			}
			return &mcp.CompleteResult{Completion: mcp.CompletionResultDetails{Values: values}}, nil
		},
	})
	mcp.AddTool(server, &mcp.Tool{Name: "echo"}, func(_ context.Context, _ *mcp.CallToolRequest, in struct {
		Text string `json:"text"`
	}) (*mcp.CallToolResult, any, error) {
		return says("echo: " + in.Text), nil, nil
	})
	mcp.AddTool(server, &mcp.Tool{Name: "structured"}, func(_ context.Context, _ *mcp.CallToolRequest, in struct {
		A int `json:"a"`
	}) (*mcp.CallToolResult, sum, error) {
		return nil, sum{in.A + 1}, nil
	})
	tool(server, "image", func(context.Context, *mcp.CallToolRequest) (*mcp.CallToolResult, error) {
		data, _ := base64.StdEncoding.DecodeString(plan.Pixel)
		return &mcp.CallToolResult{Content: []mcp.Content{&mcp.ImageContent{Data: data, MIMEType: "image/png"}}}, nil
	})
	tool(server, "fails", func(context.Context, *mcp.CallToolRequest) (*mcp.CallToolResult, error) {
		return nil, fmt.Errorf("it failed")
	})
	tool(server, "progress", func(ctx context.Context, req *mcp.CallToolRequest) (*mcp.CallToolResult, error) {
		for step := 1; step <= 3; step++ {
			token := req.Params.GetProgressToken()
			if token == nil {
				break
			}
			if err := req.Session.NotifyProgress(ctx, &mcp.ProgressNotificationParams{ProgressToken: token, Progress: float64(step), Total: 3}); err != nil {
				return nil, err
			}
			time.Sleep(100 * time.Millisecond)
		}
		return says("done"), nil
	})
	tool(server, "logs", func(ctx context.Context, req *mcp.CallToolRequest) (*mcp.CallToolResult, error) {
		return says("logged"), req.Session.Log(ctx, &mcp.LoggingMessageParams{Level: "info", Data: "hello from logs"})
	})
	tool(server, "asks_user", func(ctx context.Context, req *mcp.CallToolRequest) (*mcp.CallToolResult, error) {
		answer, err := req.Session.Elicit(ctx, question())
		if err != nil {
			return nil, err
		}
		return elicited(answer), nil
	})
	tool(server, "asks_model", func(ctx context.Context, req *mcp.CallToolRequest) (*mcp.CallToolResult, error) {
		answer, err := req.Session.CreateMessage(ctx, prompt())
		if err != nil {
			return nil, err
		}
		return says("sampled: " + text(answer.Content)), nil
	})
	tool(server, "asks_roots", func(ctx context.Context, req *mcp.CallToolRequest) (*mcp.CallToolResult, error) {
		answer, err := req.Session.ListRoots(ctx, nil)
		if err != nil {
			return nil, err
		}
		return rooted(answer), nil
	})
	asking(server, "needs_user", question(), func(answer mcp.InputResponse) *mcp.CallToolResult {
		return elicited(answer.(*mcp.ElicitResult))
	})
	asking(server, "needs_model", prompt(), func(answer mcp.InputResponse) *mcp.CallToolResult {
		if one, ok := answer.(*mcp.CreateMessageResult); ok {
			return says("sampled: " + text(one.Content))
		}
		return says("sampled: " + text(answer.(*mcp.CreateMessageWithToolsResult).Content[0]))
	})
	asking(server, "needs_roots", &mcp.ListRootsParams{}, func(answer mcp.InputResponse) *mcp.CallToolResult {
		return rooted(answer.(*mcp.ListRootsResult))
	})
	tool(server, "touch", func(ctx context.Context, _ *mcp.CallToolRequest) (*mcp.CallToolResult, error) {
		return says("touched"), server.ResourceUpdated(ctx, &mcp.ResourceUpdatedNotificationParams{URI: plan.Note})
	})
	tool(server, "grow", func(context.Context, *mcp.CallToolRequest) (*mcp.CallToolResult, error) {
		tool(server, "grown", func(context.Context, *mcp.CallToolRequest) (*mcp.CallToolResult, error) { return says("grown"), nil })
		return says("grew"), nil
	})
	tool(server, "wait", func(ctx context.Context, _ *mcp.CallToolRequest) (*mcp.CallToolResult, error) {
		select {
		case <-ctx.Done():
			cancelled.Add(1)
			return nil, ctx.Err()
		case <-time.After(20 * time.Second):
			return says("waited"), nil
		}
	})
	tool(server, "cancellations", func(context.Context, *mcp.CallToolRequest) (*mcp.CallToolResult, error) {
		return says(fmt.Sprintf("cancelled: %d", cancelled.Load())), nil
	})
	server.AddResource(&mcp.Resource{Name: "note", URI: plan.Note}, func(context.Context, *mcp.ReadResourceRequest) (*mcp.ReadResourceResult, error) {
		return &mcp.ReadResourceResult{Contents: []*mcp.ResourceContents{{URI: plan.Note, Text: "a note"}}}, nil
	})
	server.AddResourceTemplate(&mcp.ResourceTemplate{Name: "item", URITemplate: "compat://item/{id}"}, func(_ context.Context, req *mcp.ReadResourceRequest) (*mcp.ReadResourceResult, error) {
		id := strings.TrimPrefix(req.Params.URI, "compat://item/")
		return &mcp.ReadResourceResult{Contents: []*mcp.ResourceContents{{URI: req.Params.URI, Text: "item " + id}}}, nil
	})
	arguments := []*mcp.PromptArgument{{Name: "name", Required: true}}
	server.AddPrompt(&mcp.Prompt{Name: "greet", Arguments: arguments}, func(_ context.Context, req *mcp.GetPromptRequest) (*mcp.GetPromptResult, error) {
		message := &mcp.PromptMessage{Role: "user", Content: &mcp.TextContent{Text: "Hello, " + req.Params.Arguments["name"]}}
		return &mcp.GetPromptResult{Messages: []*mcp.PromptMessage{message}}, nil
	})
	return server
}

func serve(transport, port string) {
	server := makeServer()
	one := func(*http.Request) *mcp.Server { return server }
	switch transport {
	case "stdio":
		_ = server.Run(context.Background(), &mcp.StdioTransport{})
	case "sse":
		_ = http.ListenAndServe("127.0.0.1:"+port, mcp.NewSSEHandler(one, nil))
	default:
		_ = http.ListenAndServe("127.0.0.1:"+port, mcp.NewStreamableHTTPHandler(one, &mcp.StreamableHTTPOptions{PropagateRequestCancellation: true}))
	}
}

type face struct {
	session *mcp.ClientSession
	modern  bool
}

func client(p plan.Plan) {
	heard := &plan.Heard{}
	plan.Run(p, heard, func(ctx context.Context) (plan.Face, string, error) {
		c := mcp.NewClient(&mcp.Implementation{Name: "compat", Version: "1.0.0"}, &mcp.ClientOptions{
			ElicitationHandler: func(context.Context, *mcp.ElicitRequest) (*mcp.ElicitResult, error) {
				return &mcp.ElicitResult{Action: "accept", Content: map[string]any{"name": "Ada"}}, nil
			},
			CreateMessageHandler: func(context.Context, *mcp.CreateMessageRequest) (*mcp.CreateMessageResult, error) {
				return &mcp.CreateMessageResult{Role: "assistant", Model: "none", Content: &mcp.TextContent{Text: "something"}}, nil
			},
			LoggingMessageHandler: func(_ context.Context, req *mcp.LoggingMessageRequest) {
				heard.Note(func(h *plan.Heard) { h.Logs = append(h.Logs, fmt.Sprint(req.Params.Data)) })
			},
			ResourceUpdatedHandler: func(context.Context, *mcp.ResourceUpdatedNotificationRequest) {
				heard.Note(func(h *plan.Heard) { h.Updated++ })
			},
			ToolListChangedHandler: func(context.Context, *mcp.ToolListChangedRequest) {
				heard.Note(func(h *plan.Heard) { h.Changed++ })
			},
			ProgressNotificationHandler: func(_ context.Context, req *mcp.ProgressNotificationClientRequest) {
				heard.Note(func(h *plan.Heard) { h.Progress = append(h.Progress, req.Params.Progress) })
			},
		})
		c.AddRoots(&mcp.Root{URI: "file:///compat"})
		var transport mcp.Transport
		switch p.Transport {
		case "stdio":
			command := exec.Command(p.Command, p.Args...)
			command.Env = p.Environment()
			transport = &mcp.CommandTransport{Command: command}
		case "sse":
			transport = &mcp.SSEClientTransport{Endpoint: p.URL}
		default:
			transport = &mcp.StreamableClientTransport{Endpoint: p.URL}
		}
		options := &mcp.ClientSessionOptions{}
		if p.Mode != "auto" {
			options.ProtocolVersion = "2025-11-25"
		}
		session, err := c.Connect(ctx, transport, options)
		if err != nil {
			return nil, "", err
		}
		revision := session.InitializeResult().ProtocolVersion
		return face{session, revision >= "2026"}, revision, nil
	})
}

func (f face) Ping(ctx context.Context) error { return f.session.Ping(ctx, nil) }

func (f face) Tools(ctx context.Context) (names []string, err error) {
	result, err := f.session.ListTools(ctx, nil)
	if err == nil {
		for _, one := range result.Tools {
			names = append(names, one.Name)
		}
	}
	return names, err
}

func (f face) Call(ctx context.Context, name string, args map[string]any, progress bool) (plan.Result, error) {
	if args == nil {
		args = map[string]any{}
	}
	params := &mcp.CallToolParams{Name: name, Arguments: args, Meta: mcp.Meta{}}
	if f.modern {
		params.Meta["io.modelcontextprotocol/logLevel"] = "info"
	}
	if progress {
		params.SetProgressToken("steps")
	}
	result, err := f.session.CallTool(ctx, params)
	if err != nil {
		return plan.Result{}, err
	}
	var found plan.Result
	found.IsError = result.IsError
	for _, content := range result.Content {
		found.Text += text(content)
		if image, ok := content.(*mcp.ImageContent); ok {
			found.Kind = "image " + image.MIMEType
		}
	}
	structured, _ := json.Marshal(result.StructuredContent)
	found.Structured = string(structured)
	return found, nil
}

func (f face) Resources(ctx context.Context) (uris []string, err error) {
	result, err := f.session.ListResources(ctx, nil)
	if err == nil {
		for _, one := range result.Resources {
			uris = append(uris, one.URI)
		}
	}
	return uris, err
}

func (f face) Templates(ctx context.Context) (uris []string, err error) {
	result, err := f.session.ListResourceTemplates(ctx, nil)
	if err == nil {
		for _, one := range result.ResourceTemplates {
			uris = append(uris, one.URITemplate)
		}
	}
	return uris, err
}

func (f face) Read(ctx context.Context, uri string) (string, error) {
	result, err := f.session.ReadResource(ctx, &mcp.ReadResourceParams{URI: uri})
	if err != nil || len(result.Contents) == 0 {
		return "", err
	}
	return result.Contents[0].Text, nil
}

func (f face) Prompts(ctx context.Context) (names []string, err error) {
	result, err := f.session.ListPrompts(ctx, nil)
	if err == nil {
		for _, one := range result.Prompts {
			names = append(names, one.Name)
		}
	}
	return names, err
}

func (f face) Prompt(ctx context.Context) (string, error) {
	result, err := f.session.GetPrompt(ctx, &mcp.GetPromptParams{Name: "greet", Arguments: map[string]string{"name": "Ada"}})
	if err != nil {
		return "", err
	}
	return text(result.Messages[0].Content), nil
}

func (f face) Complete(ctx context.Context) ([]string, error) {
	result, err := f.session.Complete(ctx, &mcp.CompleteParams{
		Ref:      &mcp.CompleteReference{Type: "ref/prompt", Name: "greet"},
		Argument: mcp.CompleteParamsArgument{Name: "name", Value: "A"},
	})
	if err != nil {
		return nil, err
	}
	return result.Completion.Values, nil
}

func (f face) Level(ctx context.Context) error {
	if f.modern {
		return nil
	}
	return f.session.SetLoggingLevel(ctx, &mcp.SetLoggingLevelParams{Level: "info"})
}

func (f face) Subscribe(ctx context.Context) error {
	return f.session.Subscribe(ctx, &mcp.SubscribeParams{URI: plan.Note})
}

// The SDK listens by itself where a handler is set.
func (f face) WatchTools(context.Context) error { return nil }
