module github.com/sluice-media/sluice/examples/gb28181

go 1.26.0

// Until the product has a version.
replace github.com/sluice-media/sluice => ../..

require (
	github.com/bluenviron/mediacommon/v2 v2.9.3
	github.com/emiago/sipgo v1.7.2
	github.com/icholy/digest v1.2.0
	github.com/sluice-media/sluice v0.0.0-00010101000000-000000000000
	github.com/stretchr/testify v1.12.1
	go.uber.org/goleak v1.3.0
	golang.org/x/text v0.42.0
)

require (
	github.com/bluenviron/gortsplib/v4 v4.16.2 // indirect
	github.com/gobwas/httphead v0.1.0 // indirect
	github.com/gobwas/ws v1.5.0 // indirect
	github.com/google/uuid v1.6.0 // indirect
	github.com/pion/randutil v0.1.0 // indirect
	github.com/pion/rtcp v1.2.20 // indirect
	github.com/pion/rtp v1.10.6 // indirect
	go.yaml.in/yaml/v3 v3.0.5 // indirect
	golang.org/x/net v0.59.0 // indirect
	golang.org/x/sync v0.23.0 // indirect
	golang.org/x/sys v0.48.0 // indirect
)
