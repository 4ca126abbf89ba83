// Preloaded into a process under test: leaves the most memory it ever had (kilobytes of resident set) in PEAK_MEMORY_FILE.
process.on('exit', () => {
  require('node:fs').writeFileSync(process.env.PEAK_MEMORY_FILE, String(process.resourceUsage().maxRSS));
});
