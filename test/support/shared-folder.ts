/** Returns the folder in which the files of one run share what is slow to make; it is removed when the run ends. */
export function sharedFolder(): string {
  const folder = process.env['CHAINCTL_TEST_SHARED'];
  if (folder === undefined) throw new Error('test/support/shared-folder-setup.mts did not run');
  return folder;
}
