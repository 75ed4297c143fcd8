package dev.graft.trainer.template;

/** Finds the end of a JSON object or list in text that grows. What is no JSON may get an end too, or none. One thread. */
final class JsonEnd {
  static final int NOT_YET = -1;
  static final int NEVER = -2;

  private int at;
  private int depth;
  private boolean quoted;
  private boolean escaped;

  /** @param from where the value begins, with a bracket */
  JsonEnd(int from) {
    at = from;
  }

  /** @param text as before, maybe longer @return where the value has ended, or {@link #NOT_YET} */
  int find(CharSequence text) {
    for (; at < text.length(); at++) {
      char c = text.charAt(at);
      if (quoted) {
        quoted = escaped || c != '"';
        escaped = !escaped && c == '\\';
      } else if (c == '"') {
        quoted = true;
      } else if (c == '{' || c == '[') {
        depth++;
      } else if ((c == '}' || c == ']') && --depth == 0) {
        return at + 1;
      }
    }
    return NOT_YET;
  }
}
