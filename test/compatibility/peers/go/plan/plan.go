// Package plan runs the features that a plan names against one face of a client and prints one line of JSON for each:
// {feature, result: "yes" | "no" | "none", detail}.
package plan

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"time"
)

const Note = "compat://note"
const Pixel = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="

// Plan is what a client is to do.
type Plan struct {
	Transport string            `json:"transport"`
	Mode      string            `json:"mode"`
	URL       string            `json:"url"`
	Command   string            `json:"command"`
	Args      []string          `json:"args"`
	Env       map[string]string `json:"env"`
	Features  []string          `json:"features"`
	WaitMs    int               `json:"waitMs"`
	ConnectMs int               `json:"connectMs"`
}

// Result of a tool, as far as the features look at it.
type Result struct {
	Text       string
	Kind       string
	IsError    bool
	Structured string
}

// Face is one SDK's client.
type Face interface {
	Ping(context.Context) error
	Tools(context.Context) ([]string, error)
	Call(ctx context.Context, name string, args map[string]any, progress bool) (Result, error)
	Resources(context.Context) ([]string, error)
	Templates(context.Context) ([]string, error)
	Read(context.Context, string) (string, error)
	Prompts(context.Context) ([]string, error)
	Prompt(context.Context) (string, error)
	Complete(context.Context) ([]string, error)
	Level(context.Context) error
	Subscribe(context.Context) error
	WatchTools(context.Context) error
}

// Heard is what the server told outside of answers.
type Heard struct {
	mu       sync.Mutex
	Logs     []string
	Updated  int
	Changed  int
	Progress []float64
}

// Note changes what was heard.
func (h *Heard) Note(change func(*Heard)) {
	h.mu.Lock()
	defer h.mu.Unlock()
	change(h)
}

func (h *Heard) look(holds func(*Heard) bool) func() bool {
	return func() bool {
		h.mu.Lock()
		defer h.mu.Unlock()
		return holds(h)
	}
}

// Read takes the plan from the command line.
func Read(text string) Plan {
	var p Plan
	if err := json.Unmarshal([]byte(text), &p); err != nil {
		panic(err)
	}
	if p.WaitMs == 0 {
		p.WaitMs = 4000
	}
	if p.ConnectMs == 0 {
		p.ConnectMs = 20000
	}
	return p
}

// Environment is the environment of a server that the client starts.
func (p Plan) Environment() []string {
	env := os.Environ()
	for key, value := range p.Env {
		env = append(env, key+"="+value)
	}
	return env
}

var saying sync.Mutex

func say(feature, result, detail string) {
	if len(detail) > 300 {
		detail = detail[:300]
	}
	line, _ := json.Marshal(map[string]string{"feature": feature, "result": result, "detail": detail})
	saying.Lock()
	defer saying.Unlock()
	fmt.Println(string(line))
}

// Fail tells that there is no connection, and ends.
func Fail(err error) {
	say("connect", "no", err.Error())
	os.Exit(1)
}

type absent string

func (a absent) Error() string { return string(a) }

var questions = map[string][2]string{
	"elicitation":          {"asks_user", "elicited: accept Ada"},
	"sampling":             {"asks_model", "sampled: something"},
	"roots":                {"asks_roots", "file:///compat"},
	"elicitation, any era": {"needs_user", "elicited: accept Ada"},
	"sampling, any era":    {"needs_model", "sampled: something"},
	"roots, any era":       {"needs_roots", "file:///compat"},
}

// Run connects and runs the plan.
func Run(p Plan, heard *Heard, connect func(context.Context) (Face, string, error)) {
	overdue := time.AfterFunc(time.Duration(p.ConnectMs)*time.Millisecond, func() { Fail(fmt.Errorf("no connection in time")) })
	face, revision, err := connect(context.Background())
	if err != nil {
		Fail(err)
	}
	listed, err := face.Tools(context.Background())
	if err != nil {
		Fail(err)
	}
	overdue.Stop()
	say("connect", "yes", revision)
	r := runner{p, face, heard, listed}
	for _, feature := range p.Features {
		if feature == "restart" {
			if _, err := face.Call(context.Background(), "echo", map[string]any{"text": "before"}, false); err != nil {
				Fail(err)
			}
			fmt.Println(`{"waiting":true}`)
			_, _ = bufio.NewReader(os.Stdin).ReadString('\n')
			feature = "tools"
		}
		ctx, cancel := context.WithTimeout(context.Background(), time.Duration(p.WaitMs)*5/2*time.Millisecond)
		done := make(chan error, 1)
		go func() { done <- r.feature(ctx, feature) }()
		select {
		case err = <-done:
		case <-ctx.Done():
			err = fmt.Errorf("no answer in time")
		}
		cancel()
		switch wrong := err.(type) {
		case nil:
			say(feature, "yes", "")
		case absent:
			say(feature, "none", wrong.Error())
		default:
			say(feature, "no", err.Error())
		}
	}
	fmt.Println(`{"done":true}`)
	os.Exit(0)
}

type runner struct {
	plan   Plan
	face   Face
	heard  *Heard
	listed []string
}

func (r runner) until(holds func() bool) bool {
	for end := time.Now().Add(time.Duration(r.plan.WaitMs) * time.Millisecond); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		if holds() {
			return true
		}
	}
	return holds()
}

func (r runner) needs(tool string) error {
	if slices.Contains(r.listed, tool) {
		return nil
	}
	return absent("no tool " + tool)
}

func expect(found, wanted string, err error) error {
	if err != nil {
		return err
	}
	if strings.Contains(found, wanted) {
		return nil
	}
	return fmt.Errorf("got %q", found)
}

func (r runner) feature(ctx context.Context, feature string) error {
	f := r.face
	tool := func(name string, args map[string]any) (Result, error) {
		if err := r.needs(name); err != nil {
			return Result{}, err
		}
		return f.Call(ctx, name, args, false)
	}
	if question, ok := questions[feature]; ok {
		result, err := tool(question[0], nil)
		return expect(result.Text, question[1], err)
	}
	switch feature {
	case "ping":
		return f.Ping(ctx)
	case "tools":
		result, err := f.Call(ctx, "echo", map[string]any{"text": "hello"}, false)
		return expect(result.Text, "echo: hello", err)
	case "structured":
		result, err := tool("structured", map[string]any{"a": 1})
		return expect(result.Structured, `{"sum":2}`, err)
	case "image":
		result, err := tool("image", nil)
		return expect(result.Kind, "image image/png", err)
	case "tool error":
		result, err := tool("fails", nil)
		if err == nil && !result.IsError {
			return fmt.Errorf("no error: %s", result.Text)
		}
		return expect(result.Text, "it failed", err)
	case "unknown tool":
		result, err := f.Call(ctx, "nowhere", nil, false)
		if err != nil || result.IsError {
			return nil
		}
		return fmt.Errorf("no error")
	case "progress":
		if err := r.needs("progress"); err != nil {
			return err
		}
		if _, err := f.Call(ctx, "progress", nil, true); err != nil {
			return err
		}
		if r.until(r.heard.look(func(h *Heard) bool { return slices.Equal(h.Progress, []float64{1, 2, 3}) })) {
			return nil
		}
		return fmt.Errorf("got %v", r.heard.Progress)
	case "logs":
		if err := r.needs("logs"); err != nil {
			return err
		}
		_ = f.Level(ctx) // many servers log without having a level
		if _, err := tool("logs", nil); err != nil {
			return err
		}
		if r.until(r.heard.look(func(h *Heard) bool { return strings.Contains(strings.Join(h.Logs, " "), "hello from logs") })) {
			return nil
		}
		return fmt.Errorf("got %v", r.heard.Logs)
	case "resources":
		uris, err := f.Resources(ctx)
		if err == nil && len(uris) == 0 {
			return absent("no resources")
		}
		if err := expect(strings.Join(uris, " "), Note, err); err != nil {
			return err
		}
		text, err := f.Read(ctx, Note)
		return expect(text, "a note", err)
	case "templates":
		uris, err := f.Templates(ctx)
		if err == nil && len(uris) == 0 {
			return absent("no templates")
		}
		if err := expect(strings.Join(uris, " "), "compat://item/{id}", err); err != nil {
			return err
		}
		text, err := f.Read(ctx, "compat://item/7")
		return expect(text, "item 7", err)
	case "subscriptions":
		if err := r.needs("touch"); err != nil {
			return err
		}
		if err := f.Subscribe(ctx); err != nil {
			return err
		}
		if _, err := tool("touch", nil); err != nil {
			return err
		}
		if r.until(r.heard.look(func(h *Heard) bool { return h.Updated > 0 })) {
			return nil
		}
		return fmt.Errorf("no notification")
	case "prompts":
		prompts, err := f.Prompts(ctx)
		if err == nil && len(prompts) == 0 {
			return absent("no prompts")
		}
		if err != nil {
			return err
		}
		text, err := f.Prompt(ctx)
		return expect(text, "Hello, Ada", err)
	case "completion":
		values, err := f.Complete(ctx)
		return expect(strings.Join(values, ","), "Ada,Alan", err)
	case "list change":
		if err := r.needs("grow"); err != nil {
			return err
		}
		if err := f.WatchTools(ctx); err != nil {
			return err
		}
		var before int
		r.heard.Note(func(h *Heard) { before = h.Changed })
		if _, err := tool("grow", nil); err != nil {
			return err
		}
		told := r.until(r.heard.look(func(h *Heard) bool { return h.Changed > before }))
		listed := r.until(func() bool {
			tools, err := f.Tools(ctx)
			return err == nil && slices.Contains(tools, "grown")
		})
		switch {
		case listed && told:
			return nil
		case listed:
			return fmt.Errorf("listed, but no notification")
		case told:
			return fmt.Errorf("not listed")
		}
		return fmt.Errorf("not listed, and no notification")
	case "cancellation":
		if err := r.needs("wait"); err != nil {
			return err
		}
		waiting, cancel := context.WithCancel(ctx)
		done := make(chan struct{})
		go func() {
			_, _ = f.Call(waiting, "wait", nil, false)
			close(done)
		}()
		time.Sleep(500 * time.Millisecond)
		cancel()
		select {
		case <-done:
		case <-time.After(time.Duration(r.plan.WaitMs) * time.Millisecond):
		}
		var counted Result
		var err error
		if r.until(func() bool {
			counted, err = f.Call(ctx, "cancellations", nil, false)
			return strings.Contains(counted.Text, "cancelled: 1")
		}) {
			return nil
		}
		return expect(counted.Text, "cancelled: 1", err)
	}
	return absent("unknown feature")
}
