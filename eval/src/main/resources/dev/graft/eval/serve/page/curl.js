/**
 * The command that sends a request as the page sent it. For a POSIX shell.
 *
 * @param origin scheme, host and port @param keyed whether a key goes with it: left to the variable GRAFT_API_KEY
 */
export function curl(origin, body, keyed) {
  return [
    `curl --no-buffer ${quote(`${origin}/v1/chat/completions`)}`,
    ...(keyed ? ['-H "Authorization: Bearer $GRAFT_API_KEY"'] : []),
    "-H 'Content-Type: application/json'",
    `--data ${quote(JSON.stringify(body, null, 2))}`,
  ].join(' \\\n  ');
}

function quote(text) {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
