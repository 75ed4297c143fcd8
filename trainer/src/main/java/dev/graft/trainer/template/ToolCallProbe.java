package dev.graft.trainer.template;

import dev.graft.trainer.jinja.TemplateException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Finds out how a template writes calls of functions, by having it write some: in every way that templates of the field want them given. */
final class ToolCallProbe {
  private static final String NAME = "zzname";
  private static final String CONTENT = "zzcontent";
  private static final String ID = "zzcallid";
  private static final String ARGUMENTS = "\\{\\s*\"zzkey\"\\s*:\\s*\"zzvalue\"\\s*}";
  private static final String END_OF_MESSAGE = "<|eom_id|>"; // of Llama 3.1 and functionary, in place of the turn's end

  private static final Map<String, Object> TOOL = Map.of("type", "function", "function", Map.of("name", "zzlisted", "description", "Lists.", "parameters",
      Map.of("type", "object", "properties", Map.of("zzkey", Map.of("type", "string", "description", "A key.")), "required", List.of("zzkey"))));

  private final ChatTemplate template;

  ToolCallProbe(ChatTemplate template) {
    this.template = template;
  }

  /**
   * What was found.
   *
   * @param objects whether arguments are to be given as an object, not as its JSON  @param silent whether a message with calls must have no content at all
   */
  record Found(ToolCallTexts texts, boolean objects, boolean silent) {}

  /** Empty when the template writes no calls, or none with their arguments as JSON. */
  Optional<Found> find() {
    for (boolean objects : new boolean[] {true, false}) {
      List<Found> found = new ArrayList<>();
      for (String content : new String[] {CONTENT, "", null}) {
        Optional<ToolCallTexts> texts = texts(content, objects, 2).or(() -> texts(content, objects, 1));
        texts.ifPresent(some -> found.add(new Found(some, objects, content == null)));
      }
      if (!found.isEmpty()) { // what a template writes besides (an empty thought, a header) only makes it longer
        return Optional.of(Collections.min(found, Comparator.comparingInt(one -> one.texts().first().length())));
      }
    }
    return Optional.empty();
  }

  /** Whether arguments are wanted as an object by a template that does not write them as JSON. */
  boolean takesObjects() {
    return rendered(turn(CONTENT, true, 1), false) != null;
  }

  private Optional<ToolCallTexts> texts(String content, boolean objects, int count) {
    String head = rendered(List.of(), true);
    String plain = rendered(List.of(message(CONTENT)), false);
    String whole = rendered(turn(content, objects, count), false);
    if (head == null || plain == null || whole == null) {
      return Optional.empty();
    }
    int start = headEnd(head, whole);
    int written = whole.indexOf(CONTENT, start);
    int name = whole.indexOf(NAME + 1, start);
    start = written >= 0 && written < name ? written + CONTENT.length() : start;
    String turnEnd = plain.substring(plain.lastIndexOf(CONTENT) + CONTENT.length());
    String[] parts = whole.substring(start).split(NAME + "\\d|" + ARGUMENTS, -1); // before, between and after names and arguments
    if (name < 0 || parts.length != 2 * count + 1) {
      return Optional.empty();
    }
    String last = parts[2 * count];
    last = last.substring(0, last.length() - ToolCallTexts.commonEnd(last, turnEnd).length());
    int cut = last.indexOf(END_OF_MESSAGE);
    last = cut < 0 ? last : last.substring(0, cut);
    return ToolCallTexts.of(parts[0].stripLeading(), parts[1].replaceFirst("(?s).*" + ID + "\\d", ""), count == 1 ? null : withoutId(parts[2]), withoutId(last).stripTrailing());
  }

  /** Ids are for the history; what a model writes gets them from the server. */
  private static String withoutId(String text) {
    return text.replaceAll(",\\s*\"[^\"]*\"\\s*:\\s*\"" + ID + "\\d\"", "");
  }

  /** Where the assistant takes over: a header may end with a thought's beginning, of which an answer has nothing but the bracket. */
  private static int headEnd(String head, String whole) {
    int length = 0;
    while (length < Math.min(head.length(), whole.length()) && head.charAt(length) == whole.charAt(length)) {
      length++;
    }
    int tag = head.lastIndexOf('<', length - 1);
    return length < head.length() && tag > head.lastIndexOf('>', length - 1) ? tag : length;
  }

  private static Map<String, Object> message(String content) {
    Map<String, Object> message = new HashMap<>();
    message.put("role", "assistant");
    message.put("content", content);
    return message;
  }

  private static List<Map<String, Object>> turn(String content, boolean objects, int count) {
    List<Object> calls = new ArrayList<>();
    for (int i = 1; i <= count; i++) {
      Map<String, Object> function = new LinkedHashMap<>(); // some templates write it as it stands
      function.put("name", NAME + i);
      function.put("arguments", objects ? Map.of("zzkey", "zzvalue") : "{\"zzkey\": \"zzvalue\"}");
      calls.add(Map.of("id", ID + i, "type", "function", "function", function));
    }
    Map<String, Object> message = message(content);
    message.put("tool_calls", calls);
    return List.of(message);
  }

  /** A question and this answer; null where the template refuses it. */
  private String rendered(List<Map<String, Object>> answer, boolean addGenerationPrompt) {
    List<Map<String, Object>> messages = new ArrayList<>(List.of(Map.of("role", "user", "content", "zzquestion")));
    messages.addAll(answer);
    try {
      return template.render(messages, addGenerationPrompt, Map.of("tools", List.of(TOOL)));
    } catch (TemplateException | StackOverflowError e) {
      return null;
    }
  }
}
