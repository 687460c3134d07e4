// The sign-in page: what the person before left in this browser (questions asked) is not for the
// next one. Over https the answer to signing out says the same; a session may also just run out.

try {
  for (const kept of [sessionStorage, localStorage]) kept.clear();
} catch {
  // The browser keeps nothing for pages: there is nothing to forget.
}
