package dev.graft.trainer.data;

import dev.graft.trainer.jinja.TemplateException;
import dev.graft.trainer.template.ChatTemplate;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Finds what the assistant writes in a rendered conversation. The text of turn i is what rendering messages 0..i adds to rendering
 * messages 0..i-1 with the header of the assistant's turn, when both are beginnings of the whole text. Templates that write earlier
 * turns differently from the last (they drop its reasoning, say) break that; there, marks put around the turn's content show where it
 * went.
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
    if (whole.startsWith(head)) {
      return Script.of(head, whole.substring(head.length()), true);
    }
    List<int[]> learnt = answer.size() == 1 ? List.of(marked(all, all.size() - 1, whole, 0)) : learnt(all, whole, prompt.size());
    int end = learnt.get(learnt.size() - 1)[1];
    return Script.of(head, whole.substring(learnt.get(0)[0], end), true);
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
        int[] turn = byPrefix(messages, i, whole);
        if (turn == null || turn[0] < at) {
          turn = marked(messages, i, whole, at);
        }
        if (turn[0] < at || turn[1] <= turn[0]) {
          throw refusal(i);
        }
        learnt.add(turn);
        at = turn[1];
      }
    }
    return learnt;
  }

  /** Bounds of turn i, or null when the shorter renderings are no beginnings of the whole. */
  private int[] byPrefix(List<Map<String, Object>> messages, int i, String whole) {
    try {
      String head = i == 0 ? "" : render(messages.subList(0, i), true);
      String turn = i + 1 == messages.size() ? whole : render(messages.subList(0, i + 1), false);
      boolean fits = i > 0 && whole.startsWith(head) && whole.startsWith(turn) && turn.length() > head.length();
      return fits ? new int[] {head.length(), turn.length()} : null;
    } catch (Refusal e) {
      return null; // a template may want complete conversations
    }
  }

  /** Bounds of turn i by marks around its content, from its header to its end token. */
  private int[] marked(List<Map<String, Object>> messages, int i, String whole, int from) throws Refusal {
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
    boolean once = close >= 0 && close == rendered.lastIndexOf(CLOSE);
    if (!once || !rendered.replace(String.valueOf(OPEN), "").replace(String.valueOf(CLOSE), "").equals(whole)) {
      throw refusal(i);
    }
    int open = rendered.indexOf(OPEN);
    int end = open >= 0 && open < close ? close - 1 : close;
    return new int[] {start(messages, i, whole, from, open >= 0 && open < close ? open : -1, end), end(messages, i, whole, end)};
  }

  /** Where the assistant takes over: after the header that precedes the content. */
  private int start(List<Map<String, Object>> messages, int i, String whole, int from, int content, int end) throws Refusal {
    String header = header(messages, i);
    int limit = content >= 0 ? content : end;
    int found = header.isEmpty() ? -1 : whole.lastIndexOf(header, limit - header.length());
    if (found >= from) {
      return found + header.length();
    } else if (content < 0) {
      throw refusal(i);
    }
    int start = content; // no header to be found: what the model writes begins with the space before its words
    while (start > from && Character.isWhitespace(whole.charAt(start - 1))) {
      start--;
    }
    return start;
  }

  /** What a prompt adds for the assistant to go on from; empty when nothing. */
  private String header(List<Map<String, Object>> messages, int i) {
    try {
      String plain = i == 0 ? "" : render(messages.subList(0, i), false);
      String prompt = i == 0 ? "" : render(messages.subList(0, i), true);
      return prompt.startsWith(plain) ? prompt.substring(plain.length()) : "";
    } catch (Refusal e) {
      return "";
    }
  }

  /** Where turn i ends: after its end token, before the next message. */
  private int end(List<Map<String, Object>> messages, int i, String whole, int contentEnd) {
    int limit = whole.length();
    if (i + 1 < messages.size() && messages.get(i + 1).get("content") instanceof String next && !next.isBlank()) {
      int at = whole.indexOf(next.strip(), contentEnd);
      limit = at < 0 ? limit : at;
    }
    int end = -1;
    for (String text : endTexts) {
      int at = text.isEmpty() ? -1 : whole.indexOf(text, contentEnd);
      if (at >= 0 && at + text.length() <= limit && (end < 0 || at + text.length() < end)) {
        end = at + text.length();
      }
    }
    return end >= 0 ? end : i + 1 == messages.size() ? whole.length() : contentEnd;
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
