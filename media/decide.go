package media

import (
	"context"
	"errors"

	"github.com/sluice-media/sluice/hook"
)

// HTTPAccess asks the hooks about a file, for a file server. The first that handles it decides; if none does, the
// error is hook.ErrNotHandled and the file server's own rules hold.
func (s *Server) HTTPAccess(ctx context.Context, ev *hook.HTTPAccessEvent) (hook.HTTPAccessReply, error) {
	for _, h := range s.hooks.httpAccess {
		reply, err := decide(ctx, s, "http_access", func(ctx context.Context) (hook.HTTPAccessReply, error) {
			return h.OnHTTPAccess(ctx, ev)
		})
		if errors.Is(err, hook.ErrNotHandled) {
			continue
		}
		if err != nil {
			return reply, refused(ctx, "http_access", err)
		}
		return reply, nil
	}
	return hook.HTTPAccessReply{}, hook.ErrNotHandled
}

// ShellLogin asks the hooks about a login to a shell: all that handle it must admit. If none does, the error is
// hook.ErrNotHandled and the shell's own rules hold.
func (s *Server) ShellLogin(ctx context.Context, ev *hook.ShellLoginEvent) error {
	verdict := hook.ErrNotHandled
	for _, h := range s.hooks.shellLogin {
		_, err := decide(ctx, s, "shell_login", func(ctx context.Context) (struct{}, error) {
			return struct{}{}, h.OnShellLogin(ctx, ev)
		})
		if errors.Is(err, hook.ErrNotHandled) {
			continue
		}
		if err != nil {
			return refused(ctx, "shell_login", err)
		}
		verdict = nil
	}
	return verdict
}

// decide asks a hook as [ask] does, at most until the server ends: for decisions that belong to no [Session].
func decide[R any](ctx context.Context, s *Server, event string, fn func(context.Context) (R, error)) (R, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	defer context.AfterFunc(s.decision, func() { cancel(ErrServerClosed) })() //nolint:contextcheck // a second reason to end
	return ask(ctx, s.asker, event, fn)
}
