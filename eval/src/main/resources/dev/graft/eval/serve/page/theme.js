// Before the first paint: the theme that was chosen last. Without a choice the system's holds.
try {
  const theme = JSON.parse(localStorage.getItem('graft.settings') ?? '{}').theme;
  if (theme === 'light' || theme === 'dark') document.documentElement.dataset.theme = theme;
} catch {
  // no storage, or not ours: the system's theme
}
