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
  private static final String KEY = "zzkey";
  private static final String VALUE = "zzvalue";
  private static final String ARGUMENTS = "\\{\\s*\"" + KEY + "\"\\s*:\\s*\"" + VALUE + "\"\\s*}";
  private static final String END_OF_MESSAGE = "<|eom_id|>"; // of Llama 3.1 and functionary, in place of the turn's end

  private static final Map<String, Object> TOOL = Map.of("type", "function", "function", Map.of("name", "zzlisted", "description", "Lists.", "parameters",
      Map.of("type", "object", "properties", Map.of(KEY, Map.of("type", "string", "description", "A key.")), "required", List.of(KEY))));

  private final ChatTemplate template;

  ToolCallProbe(ChatTemplate template) {
    this.template = template;
  }

  /**
   * What was found.
   *
   * @param arguments what stands around each argument; null where they are JSON
   * @param objects whether arguments are to be given as an object, not as its JSON  @param silent whether a message with calls must have no content at all
   */
  record Found(ToolCallTexts texts, ArgumentTexts arguments, boolean objects, boolean silent) {}

  private record Written(ToolCallTexts texts, ArgumentTexts arguments) {}

  /** Empty when the template writes no calls, or none with their arguments as JSON or in tags. */
  Optional<Found> find() {
    Optional<Found> json = find(this::texts);
    return json.isPresent() ? json : find((content, objects, count) -> objects ? framed(content, count) : Optional.empty());
  }

  private interface Attempt {
    Optional<Written> of(String content, boolean objects, int count);
  }

  private static Optional<Found> find(Attempt attempt) {
    for (boolean objects : new boolean[] {true, false}) {
      List<Found> found = new ArrayList<>();
      for (String content : new String[] {CONTENT, "", null}) {
        Optional<Written> written = attempt.of(content, objects, 2).or(() -> attempt.of(content, objects, 1));
        written.ifPresent(some -> found.add(new Found(some.texts(), some.arguments(), objects, content == null)));
      }
      if (!found.isEmpty()) { // what a template writes besides (an empty thought, a header) only makes it longer
        return Optional.of(Collections.min(found, Comparator.comparingInt(one -> one.texts().first().length())));
      }
    }
    return Optional.empty();
  }

  /** Whether arguments are wanted as an object by a template that does not write them as JSON. */
  boolean takesObjects() {
    return rendered(turn(CONTENT, Map.of(KEY, VALUE), 1), false) != null;
  }

  private Optional<Written> texts(String content, boolean objects, int count) {
    String[] parts = parts(content, objects ? Map.of(KEY, VALUE) : "{\"" + KEY + "\": \"" + VALUE + "\"}", count, NAME + "\\d|" + ARGUMENTS);
    if (parts == null || parts.length != 2 * count + 1) {
      return Optional.empty();
    }
    String middle = parts[1].replaceFirst("(?s).*" + ID + "\\d", "");
    return ToolCallTexts.of(parts[0].stripLeading(), middle, count == 1 ? null : withoutId(parts[2]), withoutId(parts[2 * count]).stripTrailing()).map(texts -> new Written(texts, null));
  }

  /** Arguments in tags: two, to see what stands between them, and none. */
  private Optional<Written> framed(String content, int count) {
    Map<String, String> two = new LinkedHashMap<>();
    two.put(KEY + 1, VALUE + 1);
    two.put(KEY + 2, VALUE + 2);
    String[] parts = parts(content, two, count, String.join("\\d|", NAME, KEY, VALUE) + "\\d");
    String[] none = parts(content, Map.of(), 1, NAME + "\\d");
    if (parts == null || parts.length != 5 * count + 1 || !parts[4].equals(parts[2])) {
      return Optional.empty();
    }
    String after = parts[5 * count];
    return ArgumentTexts.of(parts[1], parts[2], parts[3], after, none == null || none.length != 2 ? null : none[1]).flatMap(found -> {
      String end = found.texts().close() + found.texts().end();
      if (count == 2 && !parts[5].startsWith(end)) {
        return Optional.empty();
      }
      String next = count == 1 ? null : parts[5].substring(end.length());
      return ToolCallTexts.of(parts[0].stripLeading(), found.head(), next, after.substring(end.length()).stripTrailing()).map(texts -> new Written(texts, found.texts()));
    });
  }

  /** What a template writes before, between and after some things, from where the assistant takes over to where its turn ends; null when it writes no call. */
  private String[] parts(String content, Object arguments, int count, String things) {
    String head = rendered(List.of(), true);
    String plain = rendered(List.of(message(CONTENT)), false);
    String whole = rendered(turn(content, arguments, count), false);
    if (head == null || plain == null || whole == null) {
      return null;
    }
    int start = headEnd(head, whole);
    int written = whole.indexOf(CONTENT, start);
    int name = whole.indexOf(NAME + 1, start);
    if (name < 0) {
      return null;
    }
    start = written >= 0 && written < name ? written + CONTENT.length() : start;
    String turnEnd = plain.substring(plain.lastIndexOf(CONTENT) + CONTENT.length());
    String[] parts = whole.substring(start).split(things, -1);
    String last = parts[parts.length - 1];
    last = last.substring(0, last.length() - ToolCallTexts.commonEnd(last, turnEnd).length());
    int cut = last.indexOf(END_OF_MESSAGE);
    parts[parts.length - 1] = cut < 0 ? last : last.substring(0, cut);
    return parts;
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

  private static List<Map<String, Object>> turn(String content, Object arguments, int count) {
    List<Object> calls = new ArrayList<>();
    for (int i = 1; i <= count; i++) {
      Map<String, Object> function = new LinkedHashMap<>(); // some templates write it as it stands
      function.put("name", NAME + i);
      function.put("arguments", arguments);
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
