// A runtime that does nothing, for as long as it may.
setInterval(() => {}, 2 ** 30);
