/**
 * Loaded before each test file under Deno, whose `node:test` lets a test pass while an error of its
 * timers or callbacks goes uncaught, but not while a rejection goes unhandled.
 */
globalThis.addEventListener("error", (event) => {
  Promise.reject(event.error);
});
