package api_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"

	"github.com/sluice-media/sluice/api"
	"github.com/sluice-media/sluice/media"
	"github.com/sluice-media/sluice/record"
)

// archive is a library of recordings that the host has already.
type archive map[string][]string // names of files by day

func (a archive) List(_ context.Context, q record.Query) (record.Listing, error) {
	return record.Listing{Dir: "/archive/" + q.Stream.Name + "/" + q.Period, Names: a[q.Period]}, nil
}

func (a archive) Delete(_ context.Context, q record.Query, _ string) (dir string, deleted int, err error) {
	deleted = len(a[q.Period])
	delete(a, q.Period)
	return "/archive/" + q.Stream.Name + "/" + q.Period, deleted, nil
}

// A part of the host's own is plugged in as it is; the calls that need it are enabled.
func ExampleParts() {
	m, err := media.New(media.Config{})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer m.Close()
	control, err := api.NewHandler(m, api.Options{
		Secret: "s3cret",
		Parts:  api.Parts{Library: archive{"2026-11-26": {"10-00-00.mp4"}}},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	server := httptest.NewServer(control)
	defer server.Close()
	res, err := http.Get(server.URL + "/index/api/getMp4RecordFile?secret=s3cret&vhost=v&app=live&stream=door&period=2026-11-26")
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
	// 	"data": {
	// 		"paths": [
	// 			"10-00-00.mp4"
	// 		],
	// 		"rootPath": "/archive/door/2026-11-26/"
	// 	}
	// }
}
