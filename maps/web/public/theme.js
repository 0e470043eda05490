// The theme that was chosen in this browser, before anything is painted (see src/core/theme.ts).
try {
  const chosen = localStorage.getItem("wangge.theme");
  if (chosen === "light" || chosen === "dark") document.documentElement.dataset.theme = chosen;
} catch {
  // storage may be closed
}
