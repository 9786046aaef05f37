package redact_test

import (
	"net/url"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/internal/redact"
)

func TestURL(t *testing.T) {
	for text, want := range map[string]string{
		"":                                                         "",
		"rtsp://host/live/cam":                                     "rtsp://host/live/cam",
		"rtsp://host/live/cam@home":                                "rtsp://host/live/cam@home",
		"rtsp://host:554/live?mail=a@b":                            "rtsp://host:554/live?mail=xxxxx",
		"rtsp://host:554/live/cam/trackID=1":                       "rtsp://host:554/live/cam/trackID=1",
		"rtsp://[2001:db8::1]:554/live/cam":                        "rtsp://[2001:db8::1]:554/live/cam",
		"rtsp://[2001:db8::1]/live/cam":                            "rtsp://[2001:db8::1]/live/cam",
		"rtsp://me:SECRET@host:554/live/cam":                       "rtsp://xxxxx@host:554/live/cam",
		"rtsp://SECRET@host/live":                                  "rtsp://xxxxx@host/live",
		"rtsp://me:SEC@RET@host/live":                              "rtsp://xxxxx@host/live",
		"rtsp://me:SEC/RET@host/live":                              "rtsp://xxxxx@host/live",
		"rtsp://me:SEC?RET@host/live":                              "rtsp://xxxxx@host/live",
		"rtsp://me:SEC#RET@host/live":                              "rtsp://xxxxx@host/live",
		"rtsp://me:SECRET@h/l?mail=SECRET@a.b":                     "rtsp://xxxxx@h/l?mail=xxxxx",
		"rtsp://me:SECRET@[::1]:554/live":                          "rtsp://xxxxx@[::1]:554/live",
		"rtsp://me:SECRET/live":                                    "rtsp://xxxxx/live",
		"rtsp://me:12/SECRET@host/live":                            "rtsp://xxxxx@host/live",
		"rtsp://me:12345678@host/live":                             "rtsp://xxxxx@host/live",
		"rtsp://me:12345678":                                       "rtsp://xxxxx",
		"rtsp://me:SECRET@host:SECRET/live":                        "rtsp://xxxxx@xxxxx/live",
		"mailto:SECRET@host":                                       "xxxxx@host",
		"//me:SECRET@host/live":                                    "//xxxxx@host/live",
		"me:SECRET@host/live":                                      "xxxxx@host/live",
		"RTMPS://me:SECRET@host/live":                              "RTMPS://xxxxx@host/live",
		"x-odd+1.0://me:SECRET@host/live":                          "x-odd+1.0://xxxxx@host/live",
		"rtsp://h/l?token=SECRET":                                  "rtsp://h/l?token=xxxxx",
		"rtsp://h/l?a=SECRET&b=SECRET;c=SECRET":                    "rtsp://h/l?a=xxxxx&b=xxxxx;c=xxxxx",
		"rtsp://h/l?SECRET":                                        "rtsp://h/l?xxxxx",
		"rtsp://h/l?a=SECRET=SECRET":                               "rtsp://h/l?a=xxxxx",
		"rtsp://h/l?a=SECRET?b=SECRET":                             "rtsp://h/l?a=xxxxx",
		"rtsp://h/l?a=SECRET/trackID=0":                            "rtsp://h/l?a=xxxxx",
		"rtsp://h/l?&a=SECRET&":                                    "rtsp://h/l?&a=xxxxx&",
		"rtsp://h/l?":                                              "rtsp://h/l?",
		"rtsp://h/l?U0VDUkVUSECRET==":                              "rtsp://h/l?xxxxx",
		"rtsp://h/l?token%3DSECRET":                                "rtsp://h/l?xxxxx",
		"rtsp://h/l?SECRETSECRETSECRETSECRETSECRETSECRET=1":        "rtsp://h/l?xxxxx",
		"rtsp://h/l%3Ftoken=SECRET":                                "rtsp://h/l?token=xxxxx",
		"rtsp://h/l%3fSECRET":                                      "rtsp://h/l?xxxxx",
		"rtsp://h/l?b=SECRET#SECRET":                               "rtsp://h/l?b=xxxxx#xxxxx",
		"rtsp://h/l;token=SECRET/x":                                "rtsp://h/xxxxx;token=xxxxx/x",
		"rtsp://h/user=me&password=SECRET&channel=1&stream=0.sdp?": "rtsp://h/user=xxxxx&password=xxxxx&channel=xxxxx&stream=xxxxx?",
		"rtsp://h/user=me_password=SECRET_channel=1/x":             "rtsp://h/user=xxxxx/x",
		"rtsp://h?token=SECRET":                                    "rtsp://h?token=xxxxx",
		"rtsp://h/l#SECRET":                                        "rtsp://h/l#xxxxx",
		"/index/api/x?secret=SECRET":                               "/index/api/x?secret=xxxxx",
		"?secret=SECRET":                                           "?secret=xxxxx",
		"/x?next=http://me:SECRET@host/":                           "/x?next=xxxxx",
		"*":                                                        "*",
		"live/cam":                                                 "live/cam",
		"\x00\xff%zz":                                              "\x00\xff%zz",
		"rtsp://h/l?SECRET/trackID=0":                              "rtsp://h/l?xxxxx",
	} {
		require.Equal(t, want, redact.URL(text), "%q", text)
	}
}

// However long a URL is, a log line is not; and its end counts, though it is not shown.
func TestLongURL(t *testing.T) {
	long := redact.URL("rtsp://me:SECRET@host/" + strings.Repeat("é", 1<<20) + "?t=SECRET")
	require.Less(t, len(long), 520)
	require.True(t, strings.HasPrefix(long, "rtsp://xxxxx@host/éé"))
	require.True(t, utf8.ValidString(long))
	require.Equal(t, "rtsp://xxxxx@host", redact.URL("rtsp://me:"+strings.Repeat("SECRET", 1<<18)+"@host"))
}

func TestText(t *testing.T) {
	for text, want := range map[string]string{
		"":                   "",
		"connection refused": "connection refused",
		"is it a?b=c":        "is it a?b=c",
		`parse "http://me:SECRET@host/x?t=SECRET": no`:                    `parse "http://xxxxx@host/x?t=xxxxx no`,
		"ffmpeg  -i rtsp://me:SECRET@a/b -f flv rtmp://c/d?key=SECRET":    "ffmpeg  -i rtsp://xxxxx@a/b -f flv rtmp://c/d?key=xxxxx",
		"a http://h/p\nrtsp://me:SECRET@h/p: no\r\n\thttp://h/q?x=1\tend": "a http://h/p\nrtsp://xxxxx@h/p: no\r\n\thttp://h/q?x=xxxxx\tend",
	} {
		require.Equal(t, want, redact.Text(text), "%q", text)
	}
}

// FuzzURL puts a secret wherever a URL can have one, beside what is not secret.
func FuzzURL(f *testing.F) {
	f.Add("rtsp", "me", "pw", "host:554", "live/cam", "token", "abc")
	f.Add("", "", "p/w?x#y@z", "[::1]", "", "", "")
	f.Fuzz(func(t *testing.T, scheme, user, password, host, path, name, value string) {
		const secret = "S3CRET"
		if strings.ContainsAny(scheme, "/?#@:") || strings.Contains(scheme+user+host+path+name, secret) {
			t.Skip()
		}
		if strings.ContainsAny(user, "/?#") {
			t.Skip() // where the authority ends nobody knows then
		}
		_ = redact.URL(path)
		for _, given := range []string{
			scheme + "://" + user + ":x" + secret + url.PathEscape(password) + "@host/" + url.PathEscape(path),
			scheme + "://host/" + url.PathEscape(path) + "?" + url.QueryEscape(name) + "=" + secret + url.QueryEscape(value),
			scheme + "://host/" + url.PathEscape(path) + "?" + secret + "&" + url.QueryEscape(name),
		} {
			got := redact.URL(given)
			require.NotContains(t, got, secret, "%q", given)
			if !strings.HasSuffix(got, "…") {
				require.Equal(t, got, redact.URL(got), "%q: what is masked stays so", given)
			}
		}
	})
}
