package engines

import (
	"context"
	"fmt"
	"net/http"
	"syscall"
	"testing"
)

// Nginx starts nginx with the given directives, such as "location / { … }", in the server block. All other settings are
// nginx's defaults. The test's cleanup stops nginx.
func Nginx(tb testing.TB, directives string) *Server {
	tb.Helper()
	bin := setting(tb, "nginx", NginxBin)
	return private(tb, func(ctx context.Context) (*Server, error) { return startNginx(ctx, bin, directives) })
}

func startNginx(ctx context.Context, bin, directives string) (*Server, error) {
	return open(ctx, func(room *room, port int) (*Server, error) {
		settings, err := room.write("nginx.conf", fmt.Sprintf(`daemon off;
pid pid;
error_log stderr;
events {}
http {
	access_log off;
	client_body_temp_path body;
	proxy_temp_path proxy;
	fastcgi_temp_path fastcgi;
	uwsgi_temp_path uwsgi;
	scgi_temp_path scgi;
	server {
		listen 127.0.0.1:%d;
		%s
	}
}
`, port, directives))
		return &Server{
			URL:     loopbackURL("http", port, "").String(),
			command: []string{bin, "-e", "stderr", "-p", room.path(""), "-c", settings},
			stop:    syscall.SIGTERM,
			ping:    pingNginx,
		}, err
	})
}

// pingNginx sends a request to nginx, and returns the server name and version from the response.
func pingNginx(ctx context.Context, url string) (string, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return "", err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return "", err
	}
	return response.Header.Get("Server"), response.Body.Close()
}
