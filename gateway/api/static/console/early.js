// Runs before anything is painted, so that a chosen theme does not flash in as another one. No module, for those wait.
try {
  const theme = localStorage.getItem("campaign-gateway.theme");
  if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
} catch {
  // Without storage the browser's own preference holds.
}
