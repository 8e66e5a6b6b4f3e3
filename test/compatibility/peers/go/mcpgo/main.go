// The fixture on mcp-go. `server TRANSPORT PORT` serves, `client PLAN` drives a server as a client of this SDK does.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"sync/atomic"
	"time"

	"compatibility/plan"

	"github.com/mark3labs/mcp-go/client"
	"github.com/mark3labs/mcp-go/client/transport"
	"github.com/mark3labs/mcp-go/mcp"
	"github.com/mark3labs/mcp-go/server"
)

func main() {
	if os.Args[1] == "client" {
		drive(plan.Read(os.Args[2]))
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

func question() mcp.ElicitationParams {
	return mcp.ElicitationParams{Message: "Who are you?", RequestedSchema: schema}
}

func prompt() mcp.CreateMessageParams {
	message := mcp.SamplingMessage{Role: mcp.RoleUser, Content: mcp.TextContent{Type: "text", Text: "Say something"}}
	return mcp.CreateMessageParams{MaxTokens: 10, Messages: []mcp.SamplingMessage{message}}
}

func elicited(answer *mcp.ElicitationResult) *mcp.CallToolResult {
	content, _ := answer.Content.(map[string]any)
	return mcp.NewToolResultText(fmt.Sprintf("elicited: %s %v", answer.Action, content["name"]))
}

func sampled(answer *mcp.CreateMessageResult) *mcp.CallToolResult {
	return mcp.NewToolResultText("sampled: " + text(answer.Content))
}

func rooted(answer *mcp.ListRootsResult) *mcp.CallToolResult {
	var uris []string
	for _, root := range answer.Roots {
		uris = append(uris, root.URI)
	}
	return mcp.NewToolResultText("roots: " + strings.Join(uris, " "))
}

func text(content any) string {
	switch block := content.(type) {
	case mcp.TextContent:
		return block.Text
	case *mcp.TextContent:
		return block.Text
	case map[string]any:
		return fmt.Sprint(block["text"])
	}
	return fmt.Sprintf("%T", content)
}

type handler = server.ToolHandlerFunc

type completions struct{}

func (completions) CompletePromptArgument(_ context.Context, _ string, argument mcp.CompleteArgument, _ mcp.CompleteContext) (*mcp.Completion, error) {
	var values []string
	for _, name := range []string{"Ada", "Alan"} {
		if strings.HasPrefix(name, argument.Value) {
			values = append(values, name)
		}
	}
	return &mcp.Completion{Values: values}, nil
}

func makeServer() *server.MCPServer {
	s := server.NewMCPServer("compat", "1.0.0",
		server.WithToolCapabilities(true),
		server.WithResourceCapabilities(true, true),
		server.WithPromptCapabilities(true),
		server.WithLogging(),
		server.WithElicitation(),
		server.WithRoots(),
		server.WithCompletions(),
		server.WithPromptCompletionProvider(completions{}),
	)
	s.EnableSampling()
	tool := func(name string, run handler, options ...mcp.ToolOption) {
		s.AddTool(mcp.NewTool(name, options...), run)
	}
	tool("echo", func(_ context.Context, req mcp.CallToolRequest) (*mcp.CallToolResult, error) {
		return mcp.NewToolResultText("echo: " + req.GetString("text", "")), nil
	}, mcp.WithString("text", mcp.Required()))
	type sum struct {
		Sum int `json:"sum"`
	}
	tool("structured", func(_ context.Context, req mcp.CallToolRequest) (*mcp.CallToolResult, error) {
		return mcp.NewToolResultStructured(sum{req.GetInt("a", 0) + 1}, "sum"), nil
	}, mcp.WithNumber("a", mcp.Required()), mcp.WithOutputSchema[sum]())
	tool("image", func(context.Context, mcp.CallToolRequest) (*mcp.CallToolResult, error) {
		return &mcp.CallToolResult{Content: []mcp.Content{mcp.ImageContent{Type: "image", Data: plan.Pixel, MIMEType: "image/png"}}}, nil
	})
	tool("fails", func(context.Context, mcp.CallToolRequest) (*mcp.CallToolResult, error) {
		return mcp.NewToolResultError("it failed"), nil
	})
	tool("progress", func(ctx context.Context, req mcp.CallToolRequest) (*mcp.CallToolResult, error) {
		if req.Params.Meta == nil {
			return mcp.NewToolResultText("done"), nil
		}
		for step := 1; step <= 3; step++ {
			params := map[string]any{"progressToken": req.Params.Meta.ProgressToken, "progress": step, "total": 3}
			if err := s.SendNotificationToClient(ctx, "notifications/progress", params); err != nil {
				return nil, err
			}
			time.Sleep(100 * time.Millisecond)
		}
		return mcp.NewToolResultText("done"), nil
	})
	tool("logs", func(ctx context.Context, _ mcp.CallToolRequest) (*mcp.CallToolResult, error) {
		err := s.SendLogMessageToClient(ctx, mcp.NewLoggingMessageNotification(mcp.LoggingLevelInfo, "compat", "hello from logs"))
		return mcp.NewToolResultText("logged"), err
	})
	tool("asks_user", func(ctx context.Context, _ mcp.CallToolRequest) (*mcp.CallToolResult, error) {
		answer, err := s.RequestElicitation(ctx, mcp.ElicitationRequest{Params: question()})
		if err != nil {
			return nil, err
		}
		return elicited(answer), nil
	})
	tool("asks_model", func(ctx context.Context, _ mcp.CallToolRequest) (*mcp.CallToolResult, error) {
		answer, err := s.RequestSampling(ctx, mcp.CreateMessageRequest{CreateMessageParams: prompt()})
		if err != nil {
			return nil, err
		}
		return sampled(answer), nil
	})
	tool("asks_roots", func(ctx context.Context, _ mcp.CallToolRequest) (*mcp.CallToolResult, error) {
		answer, err := s.RequestRoots(ctx, mcp.ListRootsRequest{})
		if err != nil {
			return nil, err
		}
		return rooted(answer), nil
	})
	tool("needs_user", func(_ context.Context, req mcp.CallToolRequest) (*mcp.CallToolResult, error) {
		if answer := server.ElicitationResponse(req.Params.InputResponses, "answer"); answer != nil {
			return elicited(answer), nil
		}
		return server.NewInputRequestBuilder("").Elicit("answer", question()).ToolResult(), nil
	})
	tool("needs_model", func(_ context.Context, req mcp.CallToolRequest) (*mcp.CallToolResult, error) {
		if answer := server.SamplingResponse(req.Params.InputResponses, "answer"); answer != nil {
			return sampled(answer), nil
		}
		return server.NewInputRequestBuilder("").Sample("answer", prompt()).ToolResult(), nil
	})
	tool("needs_roots", func(_ context.Context, req mcp.CallToolRequest) (*mcp.CallToolResult, error) {
		if answer := server.RootsResponse(req.Params.InputResponses, "answer"); answer != nil {
			return rooted(answer), nil
		}
		return server.NewInputRequestBuilder("").Roots("answer").ToolResult(), nil
	})
	tool("touch", func(context.Context, mcp.CallToolRequest) (*mcp.CallToolResult, error) {
		s.SendNotificationToAllClients("notifications/resources/updated", map[string]any{"uri": plan.Note})
		return mcp.NewToolResultText("touched"), nil
	})
	tool("grow", func(context.Context, mcp.CallToolRequest) (*mcp.CallToolResult, error) {
		tool("grown", func(context.Context, mcp.CallToolRequest) (*mcp.CallToolResult, error) {
			return mcp.NewToolResultText("grown"), nil
		})
		return mcp.NewToolResultText("grew"), nil
	})
	tool("wait", func(ctx context.Context, _ mcp.CallToolRequest) (*mcp.CallToolResult, error) {
		select {
		case <-ctx.Done():
			cancelled.Add(1)
			return nil, ctx.Err()
		case <-time.After(20 * time.Second):
			return mcp.NewToolResultText("waited"), nil
		}
	})
	tool("cancellations", func(context.Context, mcp.CallToolRequest) (*mcp.CallToolResult, error) {
		return mcp.NewToolResultText(fmt.Sprintf("cancelled: %d", cancelled.Load())), nil
	})
	read := func(text string) func(context.Context, mcp.ReadResourceRequest) ([]mcp.ResourceContents, error) {
		return func(_ context.Context, req mcp.ReadResourceRequest) ([]mcp.ResourceContents, error) {
			found := text
			if found == "" {
				found = "item " + strings.TrimPrefix(req.Params.URI, "compat://item/")
			}
			return []mcp.ResourceContents{mcp.TextResourceContents{URI: req.Params.URI, Text: found}}, nil
		}
	}
	s.AddResource(mcp.NewResource(plan.Note, "note"), read("a note"))
	s.AddResourceTemplate(mcp.NewResourceTemplate("compat://item/{id}", "item"), read(""))
	s.AddPrompt(mcp.NewPrompt("greet", mcp.WithArgument("name", mcp.RequiredArgument())), func(_ context.Context, req mcp.GetPromptRequest) (*mcp.GetPromptResult, error) {
		message := mcp.NewPromptMessage(mcp.RoleUser, mcp.NewTextContent("Hello, "+req.Params.Arguments["name"]))
		return mcp.NewGetPromptResult("", []mcp.PromptMessage{message}), nil
	})
	return s
}

func serve(kind, port string) {
	s := makeServer()
	at := "127.0.0.1:" + port
	switch kind {
	case "stdio":
		_ = server.ServeStdio(s)
	case "sse":
		_ = server.NewSSEServer(s, server.WithBaseURL("http://"+at)).Start(at)
	default:
		_ = server.NewStreamableHTTPServer(s).Start(at)
	}
}

type answers struct{}

func (answers) Elicit(context.Context, mcp.ElicitationRequest) (*mcp.ElicitationResult, error) {
	response := mcp.ElicitationResponse{Action: mcp.ElicitationResponseActionAccept, Content: map[string]any{"name": "Ada"}}
	return &mcp.ElicitationResult{ElicitationResponse: response}, nil
}

func (answers) CreateMessage(context.Context, mcp.CreateMessageRequest) (*mcp.CreateMessageResult, error) {
	message := mcp.SamplingMessage{Role: mcp.RoleAssistant, Content: mcp.TextContent{Type: "text", Text: "something"}}
	return &mcp.CreateMessageResult{SamplingMessage: message, Model: "none"}, nil
}

func (answers) ListRoots(context.Context, mcp.ListRootsRequest) (*mcp.ListRootsResult, error) {
	return &mcp.ListRootsResult{Roots: []mcp.Root{{URI: "file:///compat"}}}, nil
}

type face struct {
	c      *client.Client
	modern bool
	heard  *plan.Heard
}

func drive(p plan.Plan) {
	heard := &plan.Heard{}
	plan.Run(p, heard, func(ctx context.Context) (plan.Face, string, error) {
		var wire transport.Interface
		var err error
		switch p.Transport {
		case "stdio":
			wire = transport.NewStdioWithOptions(p.Command, p.Environment(), p.Args)
		case "sse":
			wire, err = transport.NewSSE(p.URL)
		default:
			var options []transport.StreamableHTTPCOption
			if p.Mode != "auto" {
				options = append(options, transport.WithContinuousListening())
			}
			wire, err = transport.NewStreamableHTTP(p.URL, options...)
		}
		if err != nil {
			return nil, "", err
		}
		options := []client.ClientOption{
			client.WithElicitationHandler(answers{}),
			client.WithSamplingHandler(answers{}),
			client.WithRootsHandler(answers{}),
		}
		if p.Mode != "auto" {
			options = append(options, client.WithProtocolVersion("2025-11-25"))
		}
		c := client.NewClient(wire, options...)
		c.OnNotification(func(n mcp.JSONRPCNotification) {
			fields := n.Params.AdditionalFields
			heard.Note(func(h *plan.Heard) {
				switch n.Method {
				case "notifications/message":
					h.Logs = append(h.Logs, fmt.Sprint(fields["data"]))
				case "notifications/resources/updated":
					h.Updated++
				case "notifications/tools/list_changed":
					h.Changed++
				case "notifications/progress":
					if step, ok := fields["progress"].(float64); ok {
						h.Progress = append(h.Progress, step)
					}
				}
			})
		})
		if err := c.Start(context.Background()); err != nil {
			return nil, "", err
		}
		request := mcp.InitializeRequest{}
		request.Params.ClientInfo = mcp.Implementation{Name: "compat", Version: "1.0.0"}
		request.Params.ProtocolVersion = "2025-11-25"
		if p.Mode == "auto" {
			request.Params.ProtocolVersion = mcp.LATEST_PROTOCOL_VERSION
		}
		result, err := c.Initialize(ctx, request)
		if err != nil {
			return nil, "", err
		}
		return face{c, result.ProtocolVersion >= "2026", heard}, result.ProtocolVersion, nil
	})
}

func (f face) Ping(ctx context.Context) error { return f.c.Ping(ctx) }

func (f face) Tools(ctx context.Context) (names []string, err error) {
	result, err := f.c.ListTools(ctx, mcp.ListToolsRequest{})
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
	request := mcp.CallToolRequest{}
	request.Params.Name = name
	request.Params.Arguments = args
	request.Params.Meta = &mcp.Meta{}
	if progress {
		request.Params.Meta.ProgressToken = "steps"
	}
	if f.modern {
		request.Params.Meta.SetLogLevel(mcp.LoggingLevelInfo)
	}
	result, err := f.c.CallTool(ctx, request)
	if err != nil {
		return plan.Result{}, err
	}
	found := plan.Result{IsError: result.IsError}
	for _, content := range result.Content {
		found.Text += text(content)
		if image, ok := content.(mcp.ImageContent); ok {
			found.Kind = "image " + image.MIMEType
		}
	}
	structured, _ := json.Marshal(result.StructuredContent)
	found.Structured = string(structured)
	return found, nil
}

func (f face) Resources(ctx context.Context) (uris []string, err error) {
	result, err := f.c.ListResources(ctx, mcp.ListResourcesRequest{})
	if err == nil {
		for _, one := range result.Resources {
			uris = append(uris, one.URI)
		}
	}
	return uris, err
}

func (f face) Templates(ctx context.Context) (uris []string, err error) {
	result, err := f.c.ListResourceTemplates(ctx, mcp.ListResourceTemplatesRequest{})
	if err == nil {
		for _, one := range result.ResourceTemplates {
			uris = append(uris, one.URITemplate.Raw())
		}
	}
	return uris, err
}

func (f face) Read(ctx context.Context, uri string) (string, error) {
	request := mcp.ReadResourceRequest{}
	request.Params.URI = uri
	result, err := f.c.ReadResource(ctx, request)
	if err != nil || len(result.Contents) == 0 {
		return "", err
	}
	content, _ := result.Contents[0].(mcp.TextResourceContents)
	return content.Text, nil
}

func (f face) Prompts(ctx context.Context) (names []string, err error) {
	result, err := f.c.ListPrompts(ctx, mcp.ListPromptsRequest{})
	if err == nil {
		for _, one := range result.Prompts {
			names = append(names, one.Name)
		}
	}
	return names, err
}

func (f face) Prompt(ctx context.Context) (string, error) {
	request := mcp.GetPromptRequest{}
	request.Params.Name = "greet"
	request.Params.Arguments = map[string]string{"name": "Ada"}
	result, err := f.c.GetPrompt(ctx, request)
	if err != nil {
		return "", err
	}
	return text(result.Messages[0].Content), nil
}

func (f face) Complete(ctx context.Context) ([]string, error) {
	request := mcp.CompleteRequest{}
	request.Params.Ref = mcp.PromptReference{Type: "ref/prompt", Name: "greet"}
	request.Params.Argument = mcp.CompleteArgument{Name: "name", Value: "A"}
	result, err := f.c.Complete(ctx, request)
	if err != nil {
		return nil, err
	}
	return result.Completion.Values, nil
}

func (f face) Level(ctx context.Context) error {
	if f.modern {
		return nil
	}
	request := mcp.SetLevelRequest{}
	request.Params.Level = mcp.LoggingLevelInfo
	return f.c.SetLevel(ctx, request)
}

func (f face) Subscribe(ctx context.Context) error {
	if f.modern {
		return f.listen(mcp.SubscriptionFilter{ResourceSubscriptions: []string{plan.Note}})
	}
	request := mcp.SubscribeRequest{}
	request.Params.URI = plan.Note
	return f.c.Subscribe(ctx, request)
}

func (f face) WatchTools(context.Context) error {
	if !f.modern {
		return nil
	}
	return f.listen(mcp.SubscriptionFilter{ToolsListChanged: true})
}

// listen gives the stream half a second to open: the call blocks as long as it is open.
func (f face) listen(filter mcp.SubscriptionFilter) error {
	ended := make(chan error, 1)
	go func() { ended <- f.c.Listen(context.Background(), filter) }()
	select {
	case err := <-ended:
		return err
	case <-time.After(500 * time.Millisecond):
		return nil
	}
}
