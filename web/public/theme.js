// Runs before the first paint, so that a chosen theme does not flash. The rest of the theme is in src/store/theme.ts.
try {
  const theme = localStorage.getItem('reelay.theme');
  if (theme === 'light' || theme === 'dark') document.documentElement.dataset.theme = theme;
} catch {
  // Storage is off: the system's theme is used.
}
