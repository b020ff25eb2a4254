/** Exit statuses of every command; docs/command-line.md lists them. */
export const EXIT = {
  ok: 0,
  /** It could not do what it was asked, or found what it says it looks for. */
  failed: 1,
  /** The command line is wrong; nothing was done. */
  usage: 2,
  /** Ctrl-C, as shells report it. */
  interrupted: 130,
  /** Whoever read the output closed it, as shells report it for SIGPIPE. */
  outputClosed: 141,
} as const;
