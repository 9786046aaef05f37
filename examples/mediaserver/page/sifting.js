// sifting is a loader for hls.js that passes what has come to sift, which changes it in place, and tells count how many bytes it is.
export function sifting(Hls, sift, count) {
  return class extends Hls.DefaultConfig.loader {
    load(context, config, callbacks) {
      const { onSuccess } = callbacks;
      super.load(context, config, {
        ...callbacks,
        onSuccess(response, ...rest) {
          const data = new Uint8Array(response.data);
          count(data.length);
          sift(data);
          onSuccess(response, ...rest);
        },
      });
    }
  };
}
