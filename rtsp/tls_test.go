package rtsp_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"math/big"
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/media"
	"github.com/sluice-media/sluice/rtsp"
)

// certificate returns the TLS configurations of a server at 127.0.0.1 and of clients that trust it.
func certificate(t *testing.T) (server, client *tls.Config) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	require.NoError(t, err)
	parsed, err := x509.ParseCertificate(der)
	require.NoError(t, err)
	pool := x509.NewCertPool()
	pool.AddCert(parsed)
	return &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}, MinVersion: tls.VersionTLS12},
		&tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}
}

// By RTSPS a stream is pushed to a server and pulled from it; media does not leave the encrypted connection.
func TestRTSPS(t *testing.T) {
	serverTLS, clientTLS := certificate(t)
	from, _ := start(t, media.Config{}, rtsp.Config{})
	publishClip(t, from)
	middle, addr := relay(t, rtsp.Config{TLSConfig: serverTLS})
	to, _ := relay(t, rtsp.Config{})
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 2)
	cfg := rtsp.ClientConfig{TLSConfig: clientTLS}
	go func() { ended <- rtsp.Push(ctx, from, testKey, "rtsps://"+addr+"/live/test", cfg) }()
	requireMedia(t, middle, 20)
	cfg.Transport = rtsp.UDP // which is refused, so that TCP is taken
	go func() { ended <- rtsp.Pull(ctx, to, "rtsps://"+addr+"/live/test", testKey, cfg) }()
	requireMedia(t, to, 20)
	for x := range middle.Sessions() {
		require.Equal(t, "rtsps", x.Info().Protocol)
	}
	cancel()
	require.ErrorIs(t, <-ended, context.Canceled)
	require.ErrorIs(t, <-ended, context.Canceled)
	require.Error(t, rtsp.Pull(t.Context(), to, "rtsps://"+addr+"/live/test", testKey, rtsp.ClientConfig{}), "who signed it is not known")
}
