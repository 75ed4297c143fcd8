package dev.graft.trainer.template;

import java.util.LinkedHashMap;
import java.util.Map;

/**
 * Reads the arguments of a call that {@link ArgumentTexts} frame from text that grows. White space between the parts may be missing or other than the template's. A value ends
 * with what closes it if another argument or the call's end follows; else that is a part of the value. One thread.
 */
final class ArgumentScan {
  private final ArgumentTexts texts;
  private final String head;
  private final Map<String, String> arguments = new LinkedHashMap<>();
  private int at;
  private int valueFrom = -1;
  private String key;
  private boolean begun;

  /** @param head what stands between the name and the arguments  @param from where the name has ended */
  ArgumentScan(ArgumentTexts texts, String head, int from) {
    this.texts = texts;
    this.head = head;
    at = from;
  }

  /** Names and texts of the arguments so far, in their order. */
  Map<String, String> arguments() {
    return arguments;
  }

  /** @param all as before, maybe longer @return where the call has ended, {@link JsonEnd#NOT_YET} or {@link JsonEnd#NEVER} */
  int find(StringBuilder all) {
    if (!begun) {
      int next = match(all, at, head);
      if (next < 0) {
        return next;
      }
      at = next;
      begun = true;
    }
    while (true) {
      if (key == null) {
        int end = match(all, at, texts.end());
        int open = match(all, at, texts.open());
        if (end >= 0 || open < 0) {
          return end >= 0 ? end : Math.max(end, open);
        }
        int then = key(all, open);
        if (then < 0) {
          return then;
        }
        at = then;
        valueFrom = then;
      }
      int next = value(all);
      if (next < 0) {
        return next;
      }
      at = next;
      key = null;
    }
  }

  private int key(StringBuilder all, int from) {
    String first = texts.then().strip().split("\\s", 2)[0];
    int end = all.indexOf(first, from);
    int value = end < 0 ? JsonEnd.NOT_YET : match(all, end, texts.then().stripTrailing());
    if (value >= 0) {
      key = all.substring(from, end);
    }
    return value;
  }

  private int value(StringBuilder all) {
    String closer = texts.closer();
    while (true) {
      int end = all.indexOf(closer, at);
      if (end < 0) {
        at = Math.max(at, all.length() - closer.length());
        return JsonEnd.NOT_YET;
      }
      int next = end + closer.length();
      int follows = Math.max(match(all, next, texts.open()), match(all, next, texts.end()));
      if (follows == JsonEnd.NOT_YET) {
        at = end;
        return JsonEnd.NOT_YET;
      } else if (follows >= 0) {
        arguments.put(key, unframed(all.substring(valueFrom, end)));
        return next;
      }
      at = next;
    }
  }

  /** Without the white space that the frame has around a value. */
  private String unframed(String value) {
    String before = texts.then().substring(texts.then().stripTrailing().length());
    String after = texts.close().substring(0, texts.close().length() - texts.close().stripLeading().length());
    String rest = value.startsWith(before) ? value.substring(before.length()) : value;
    return rest.endsWith(after) ? rest.substring(0, rest.length() - after.length()) : rest;
  }

  /** Where a part of the frame ends that begins here, any white space for its white space. */
  private static int match(StringBuilder all, int from, String part) {
    int i = skip(all, from);
    for (int p = 0; p < part.length(); p++) {
      if (Character.isWhitespace(part.charAt(p))) {
        i = skip(all, i);
      } else if (i == all.length()) {
        return JsonEnd.NOT_YET;
      } else if (all.charAt(i++) != part.charAt(p)) {
        return JsonEnd.NEVER;
      }
    }
    return i;
  }

  private static int skip(StringBuilder all, int from) {
    int i = from;
    while (i < all.length() && Character.isWhitespace(all.charAt(i))) {
      i++;
    }
    return i;
  }
}
