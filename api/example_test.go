package api_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"

	"github.com/sluice-media/sluice/api"
	"github.com/sluice-media/sluice/media"
)

// The API is mounted beside whatever else a service has.
func Example() {
	m, err := media.New(media.Config{})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer m.Close()
	control, err := api.NewHandler(m, api.Options{Secret: "s3cret"})
	if err != nil {
		fmt.Println(err)
		return
	}
	mux := http.NewServeMux()
	mux.Handle("/media/", http.StripPrefix("/media", control))
	server := httptest.NewServer(mux)
	defer server.Close()

	res, err := http.Get(server.URL + "/media/index/api/isMediaOnline?secret=s3cret&schema=rtmp&vhost=v&app=live&stream=a")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer res.Body.Close()
	text, _ := io.ReadAll(res.Body)
	fmt.Printf("%s", text)
	// Output:
	// {
	// 	"code": 0,
	// 	"online": false
	// }
}
