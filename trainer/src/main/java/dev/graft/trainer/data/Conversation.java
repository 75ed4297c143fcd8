package dev.graft.trainer.data;

import dev.graft.trainer.jinja.TemplateException;
import dev.graft.trainer.template.ChatTemplate;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Finds what the assistant writes in a rendered conversation. Turn i begins where messages 0..i-1 with the header of the assistant's
 * turn end, and ends with its end token, if both renderings begin the whole text. Templates that write earlier turns differently from
 * the last (they drop its reasoning, say) break that; there, marks put around the turn's content show where it went.
 */
final class Conversation {
  /** Private-use characters; text that holds them is only searched the first way. */
  private static final char OPEN = '\uF8F3';
  private static final char CLOSE = '\uF8F4';

  private final ChatTemplate template;
  private final Set<String> endTexts;
  private final Map<String, Object> extra;

  /** @param endTexts texts of the tokens that end a turn */
  Conversation(ChatTemplate template, Set<String> endTexts, Map<String, Object> extra) {
    this.template = template;
    this.endTexts = endTexts;
    this.extra = extra;
  }

  /** A row whose template refuses it, or whose turns cannot be told apart. */
  static final class Refusal extends Exception {
    private static final long serialVersionUID = 1L;

    Refusal(String message) {
      super(message);
    }
  }

  /** The text to answer: messages and the assistant's header. */
  String prompt(List<Map<String, Object>> messages) throws Refusal {
    return render(messages, true);
  }

  /** Prompt and answer as generation will see them: the prompt exactly as at inference, then what the template writes for the answer. */
  Script answer(List<Map<String, Object>> prompt, List<Map<String, Object>> answer) throws Refusal {
    List<Map<String, Object>> all = new ArrayList<>(prompt);
    all.addAll(answer);
    String head = render(prompt, true);
    String whole = render(all, false);
    try {
      List<int[]> learnt = learnt(all, whole, prompt.size());
      return Script.of(head, whole.substring(learnt.get(0)[0], learnt.get(learnt.size() - 1)[1]), true);
    } catch (Refusal e) {
      if (answer.size() == 1 && answer.get(0).get("content") instanceof String content) {
        return Script.of(head, content, true); // a template that does not write the last answer
      }
      throw e;
    }
  }

  /** A whole conversation, learnt on the assistant's turns. */
  Script chat(List<Map<String, Object>> messages) throws Refusal {
    String whole = render(messages, false);
    return Script.cut(whole, learnt(messages, whole, 0));
  }

  private List<int[]> learnt(List<Map<String, Object>> messages, String whole, int from) throws Refusal {
    List<int[]> learnt = new ArrayList<>();
    int at = 0;
    for (int i = from; i < messages.size(); i++) {
      if ("assistant".equals(messages.get(i).get("role"))) {
        int[] turn = turn(messages, i, whole, at);
        if (turn[0] < at || turn[1] <= turn[0]) {
          throw refusal(i);
        }
        learnt.add(turn);
        at = turn[1];
      }
    }
    return learnt;
  }

  /** Bounds of turn i in the whole text. */
  private int[] turn(List<Map<String, Object>> messages, int i, String whole, int from) throws Refusal {
    String head = i == 0 ? null : attempt(messages.subList(0, i), true);
    String upTo = i + 1 == messages.size() ? whole : attempt(messages.subList(0, i + 1), false);
    int start = head != null && whole.startsWith(head) && head.length() >= from ? head.length() : -1;
    int limit = upTo != null && whole.startsWith(upTo) ? upTo.length() : -1;
    String core = messages.get(i).get("content") instanceof String content ? content.strip() : "";
    if (start >= 0) {
      int found = whole.indexOf(core, start);
      if (found >= 0 && (limit < 0 || found + core.length() <= limit)) {
        return new int[] {start, end(messages, i, whole, found + core.length(), limit)};
      } else if (limit > start) {
        return new int[] {start, limit}; // the template rewrote the content
      }
    }
    int[] content = marked(messages, i, whole);
    return new int[] {start >= 0 ? start : start(messages, i, whole, from, content), end(messages, i, whole, content[1], limit)};
  }

  /** Bounds of the content of turn i, by marks around it; the start is -1 when the template cut it off. */
  private int[] marked(List<Map<String, Object>> messages, int i, String whole) throws Refusal {
    if (!(messages.get(i).get("content") instanceof String content) || content.isBlank() || whole.indexOf(OPEN) >= 0 || whole.indexOf(CLOSE) >= 0) {
      throw refusal(i);
    }
    String core = content.strip();
    int lead = content.indexOf(core);
    Map<String, Object> message = new LinkedHashMap<>(messages.get(i));
    message.put("content", content.substring(0, lead) + OPEN + core + CLOSE + content.substring(lead + core.length()));
    List<Map<String, Object>> marked = new ArrayList<>(messages);
    marked.set(i, message);
    String rendered = render(marked, false);
    int close = rendered.indexOf(CLOSE);
    int open = rendered.indexOf(OPEN);
    boolean once = close >= 0 && close == rendered.lastIndexOf(CLOSE) && open == rendered.lastIndexOf(OPEN);
    if (!once || !rendered.replace(String.valueOf(OPEN), "").replace(String.valueOf(CLOSE), "").equals(whole)) {
      throw refusal(i);
    }
    return open >= 0 && open < close ? new int[] {open, close - 1} : new int[] {-1, close};
  }

  /** Where the assistant takes over: after as much of its header as stands before the content. */
  private int start(List<Map<String, Object>> messages, int i, String whole, int from, int[] content) throws Refusal {
    String header = header(messages, i);
    int limit = content[0] >= 0 ? content[0] : content[1];
    int found = header.isEmpty() ? -1 : whole.lastIndexOf(header, limit - header.length());
    if (found >= from) {
      return found + header.length();
    } else if (content[0] < 0) {
      throw refusal(i);
    }
    for (int length = header.length() - 1; length > 0; length--) { // a prompt may end with "<think>", which an earlier turn lacks
      if (whole.startsWith(header.substring(0, length), content[0] - length)) {
        return content[0];
      }
    }
    int start = content[0]; // without a header, what the model writes begins with the space before its words
    while (start > from && Character.isWhitespace(whole.charAt(start - 1))) {
      start--;
    }
    return start;
  }

  /** What a prompt adds for the assistant to go on from; empty when nothing. */
  private String header(List<Map<String, Object>> messages, int i) {
    List<Map<String, Object>> some = messages.subList(0, Math.max(1, i)); // before the first message stands no header of its own
    String plain = attempt(some, false);
    String prompt = attempt(some, true);
    return plain != null && prompt != null && prompt.startsWith(plain) ? prompt.substring(plain.length()) : "";
  }

  /**
   * Where turn i ends: after the first end token behind its content.
   *
   * @param limit where the turn's text ends at the latest, or -1: before the next message
   */
  private int end(List<Map<String, Object>> messages, int i, String whole, int contentEnd, int limit) {
    int latest = limit < 0 ? whole.length() : limit;
    if (limit < 0 && i + 1 < messages.size() && messages.get(i + 1).get("content") instanceof String next && !next.isBlank()) {
      int at = whole.indexOf(next.strip(), contentEnd);
      latest = at < 0 ? latest : at;
    }
    int first = -1;
    int end = -1;
    for (String text : endTexts) {
      int at = text.isEmpty() ? -1 : whole.indexOf(text, contentEnd);
      if (at >= 0 && at + text.length() <= latest && (first < 0 || at < first)) {
        first = at;
        end = at + text.length();
      }
    }
    if (end >= 0) {
      return end;
    } else if (i + 1 < messages.size()) {
      return limit >= 0 ? limit : contentEnd;
    }
    return whole.length() - nextHeader(messages, whole, contentEnd);
  }

  /** Characters of the header of a next turn that ends the text although nobody asked for it: some templates always write one. */
  private int nextHeader(List<Map<String, Object>> messages, String whole, int contentEnd) {
    String head = attempt(messages.subList(0, messages.size() - 1), true);
    if (head == null || !whole.equals(attempt(messages, true))) {
      return 0;
    }
    int length = 0;
    int most = Math.min(head.length(), whole.length() - contentEnd);
    while (length < most && head.charAt(head.length() - 1 - length) == whole.charAt(whole.length() - 1 - length)) {
      length++;
    }
    return length;
  }

  /** A rendering, or null where the template wants a complete conversation. */
  private String attempt(List<Map<String, Object>> messages, boolean addGenerationPrompt) {
    try {
      return render(messages, addGenerationPrompt);
    } catch (Refusal e) {
      return null;
    }
  }

  private String render(List<Map<String, Object>> messages, boolean addGenerationPrompt) throws Refusal {
    try {
      return template.render(messages, addGenerationPrompt, extra);
    } catch (TemplateException e) {
      throw new Refusal(
          e.kind() == TemplateException.Kind.RAISED
              ? "the chat template refuses the messages: " + e.getMessage() + "; change the row, or give another template with --template"
              : "the chat template fails on the messages (" + e.getMessage() + "); check the row's fields, or give another template with --template");
    }
  }

  private Refusal refusal(int i) {
    return new Refusal(
        "which text the assistant writes in messages[" + i + "] cannot be told, since the chat template (" + template.name()
            + ") writes that turn differently within the whole conversation; end the row with that turn, or give --template chatml");
  }
}
