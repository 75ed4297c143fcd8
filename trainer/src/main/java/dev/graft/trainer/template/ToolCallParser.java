package dev.graft.trainer.template;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/**
 * Finds calls of functions in an answer's text as it comes. Text that is no call is handed on at once, but for what may be the beginning of a marker and white space before it.
 * What begins like a call and is none (broken JSON, a function that nobody offered) is text like any other. White space around calls is dropped. One thread.
 */
public final class ToolCallParser {
  /** Hears of text and calls, in their order. */
  public interface Sink {
    /** More text, not empty. */
    void text(String more);

    void call(ToolCall call);
  }

  private static final ObjectMapper JSON = JsonMapper.builder().enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS).build();

  /** Most characters between a name and its arguments. */
  private static final int HEADER = 200;

  private static final String NO_ARGUMENTS = "{}";

  private enum At {
    START, TEXT, CALL, AFTER
  }

  private final ToolCallFormat format;
  private final Map<String, ArgumentTypes> functions;
  private final int most;
  private final Sink sink;
  private final StringBuilder held = new StringBuilder();
  private At at;
  private int body;
  private JsonEnd json;
  private ArgumentScan scan;
  private int calls;

  /** @param functions that may be called: their names, and the JSON Schemas of their arguments ({@code {}} where there is none)  @param most calls that are told of; further ones are dropped */
  public ToolCallParser(ToolCallFormat format, Map<String, JsonNode> functions, int most, Sink sink) {
    this.format = format;
    this.functions = functions.entrySet().stream().collect(Collectors.toUnmodifiableMap(Map.Entry::getKey, entry -> new ArgumentTypes(entry.getValue())));
    this.most = most;
    this.sink = sink;
    at = format.bare() ? At.START : At.TEXT;
  }

  /** More of the answer. */
  public void add(String more) {
    held.append(more);
    go(false);
  }

  /** The answer has ended: what was held back is text after all. */
  public void finish() {
    go(true);
  }

  /** Calls so far. */
  public int calls() {
    return Math.min(calls, most);
  }

  private void go(boolean ended) {
    boolean more = true;
    while (more) {
      more = switch (at) {
        case START -> start(ended);
        case TEXT -> text(ended);
        case CALL -> call(ended);
        case AFTER -> after(ended);
      };
    }
  }

  private boolean start(boolean ended) {
    int i = skip(0);
    if (i == held.length() && !ended) {
      return false;
    } else if (i < held.length() && held.charAt(i) == '{') {
      begin(i);
    } else {
      at = At.TEXT;
    }
    return true;
  }

  private void begin(int from) {
    at = At.CALL;
    body = from;
    json = null;
    scan = null;
  }

  private boolean text(boolean ended) {
    int first = -1;
    int length = 0;
    for (String opener : format.openers()) {
      int i = held.indexOf(opener);
      if (i >= 0 && (first < 0 || i < first)) {
        first = i;
        length = opener.length();
      }
    }
    if (first < 0) {
      tell(ended ? held.length() : held.length() - undecided());
      return false;
    }
    int before = beforeSpace(first);
    tell(before);
    begin(first - before + length);
    return true;
  }

  /** Characters at the end that may begin a marker, with the white space before them. */
  private int undecided() {
    int longest = 0;
    for (String opener : format.openers()) {
      for (int n = Math.min(opener.length() - 1, held.length()); n > longest; n--) {
        if (endsWithFirst(opener, n)) {
          longest = n;
        }
      }
    }
    return held.length() - beforeSpace(held.length() - longest);
  }

  private boolean endsWithFirst(String opener, int n) {
    return opener.startsWith(held.substring(held.length() - n));
  }

  private int beforeSpace(int end) {
    int i = end;
    while (i > 0 && Character.isWhitespace(held.charAt(i - 1))) {
      i--;
    }
    return i;
  }

  private void tell(int length) {
    if (length > 0) {
      sink.text(held.substring(0, length));
      held.delete(0, length);
    }
  }

  private boolean call(boolean ended) {
    int from = skip(body);
    if (from == held.length()) {
      return !ended ? false : isText();
    }
    char c = held.charAt(from);
    boolean isJson = c == '{' || c == '[';
    from = !isJson && format.arguments().isPresent() ? afterTag(from) : from;
    int end = isJson ? jsonEnd(from) : from < 0 ? from : named(from);
    if (end == JsonEnd.NOT_YET && !ended) {
      return false;
    }
    List<ToolCall> found = end < 0 ? List.of() : isJson ? fromJson(held.substring(from, end)) : fromNamed(from, end);
    if (found.isEmpty()) {
      return isText();
    }
    held.delete(0, end);
    at = At.AFTER;
    for (ToolCall call : found) {
      if (calls++ < most) {
        sink.call(call);
      }
    }
    return true;
  }

  /** It was no call: its marker is text, and what follows is looked at again. */
  private boolean isText() {
    tell(body);
    at = At.TEXT;
    return true;
  }

  /** Where the JSON value that begins here ends, or {@link JsonEnd#NOT_YET}. */
  private int jsonEnd(int from) {
    if (json == null) {
      json = new JsonEnd(from);
    }
    return json.find(held);
  }

  /** Where a call's name begins if its last tag may stand here, or {@link JsonEnd#NOT_YET}. */
  private int afterTag(int from) {
    String tag = format.tag();
    String here = held.substring(from, Math.min(held.length(), from + tag.length()));
    return here.equals(tag) ? skip(from + tag.length()) : tag.startsWith(here) ? JsonEnd.NOT_YET : from;
  }

  /** A name, anything short, and a JSON object or framed arguments. @return its end, {@link JsonEnd#NOT_YET} or {@link JsonEnd#NEVER} */
  private int named(int from) {
    int nameEnd = nameEnd(from);
    String name = held.substring(from, nameEnd);
    if (nameEnd == held.length()) {
      return functions.keySet().stream().anyMatch(known -> known.startsWith(name)) ? JsonEnd.NOT_YET : JsonEnd.NEVER;
    }
    if (format.arguments().isPresent()) {
      return functions.containsKey(name) ? framedEnd(nameEnd) : JsonEnd.NEVER;
    }
    int object = held.indexOf("{", nameEnd);
    if (!functions.containsKey(name) || (object < 0 ? held.length() : object) - nameEnd > HEADER) {
      return JsonEnd.NEVER;
    }
    return object < 0 ? JsonEnd.NOT_YET : jsonEnd(object);
  }

  private int framedEnd(int from) {
    if (scan == null) {
      scan = new ArgumentScan(format.arguments().orElseThrow(), format.middle(), from);
    }
    return scan.find(held);
  }

  private int nameEnd(int from) {
    int i = from;
    while (i < held.length() && (Character.isLetterOrDigit(held.charAt(i)) || held.charAt(i) == '_' || held.charAt(i) == '-')) {
      i++;
    }
    return i;
  }

  private List<ToolCall> fromNamed(int from, int end) {
    int nameEnd = nameEnd(from);
    String name = held.substring(from, nameEnd);
    String arguments = scan != null ? functions.get(name).object(scan.arguments()) : held.substring(held.indexOf("{", nameEnd), end);
    return isObject(arguments) ? List.of(new ToolCall(name, arguments)) : List.of();
  }

  private boolean after(boolean ended) {
    held.delete(0, skip(0));
    if (held.length() == 0) {
      return false;
    }
    for (String closer : format.closers()) {
      if (starts(closer)) {
        held.delete(0, closer.length());
        return true;
      } else if (closer.startsWith(held.toString())) {
        held.setLength(ended ? 0 : held.length()); // cut within its end marker
        return false;
      }
    }
    if (format.bare() && held.charAt(0) == '{') {
      begin(0);
    } else if (format.bare() && held.charAt(0) == ';') { // how Llama's models set several apart
      held.deleteCharAt(0);
    } else {
      at = At.TEXT;
    }
    return true;
  }

  private boolean starts(String text) {
    return held.length() >= text.length() && held.substring(0, text.length()).equals(text);
  }

  private int skip(int from) {
    int i = from;
    while (i < held.length() && Character.isWhitespace(held.charAt(i))) {
      i++;
    }
    return i;
  }

  /** Calls in a JSON object, or a list of them; none when it is anything else. */
  private List<ToolCall> fromJson(String text) {
    try (JsonParser parser = JSON.createParser(text)) {
      if (parser.nextToken() == JsonToken.START_OBJECT) {
        ToolCall call = fromObject(text);
        return call == null ? List.of() : List.of(call);
      }
      List<ToolCall> all = new ArrayList<>();
      while (parser.nextToken() == JsonToken.START_OBJECT) {
        all.add(fromObject(value(parser, text)));
      }
      return parser.currentToken() != JsonToken.END_ARRAY || all.contains(null) ? List.of() : all;
    } catch (IOException e) {
      return List.of();
    }
  }

  /** The text of the value that the parser has come to. */
  private static String value(JsonParser parser, String text) throws IOException {
    int from = (int) parser.currentTokenLocation().getCharOffset();
    parser.skipChildren();
    return text.substring(from, (int) parser.currentLocation().getCharOffset());
  }

  /** Null when it is no call. */
  private ToolCall fromObject(String text) throws IOException {
    String name = null;
    String arguments = null;
    try (JsonParser parser = JSON.createParser(text)) {
      parser.nextToken();
      while (parser.nextToken() == JsonToken.FIELD_NAME) {
        String key = parser.currentName();
        JsonToken token = parser.nextToken();
        if (format.isName(key) && token == JsonToken.VALUE_STRING) {
          name = parser.getText();
        } else if (format.isArguments(key)) {
          arguments = arguments(parser, token, text);
        } else {
          parser.skipChildren();
        }
      }
      if (parser.currentToken() != JsonToken.END_OBJECT) {
        return null;
      }
    }
    String given = arguments == null && !format.bare() ? NO_ARGUMENTS : arguments;
    return functions.containsKey(String.valueOf(name)) && isObject(given) ? new ToolCall(name, given) : null;
  }

  /** An object, also one that was written as a string; empty for what is neither. */
  private static String arguments(JsonParser parser, JsonToken token, String text) throws IOException {
    return switch (token) {
      case START_OBJECT -> value(parser, text);
      case VALUE_STRING -> parser.getText();
      case VALUE_NULL -> NO_ARGUMENTS;
      default -> {
        parser.skipChildren();
        yield "";
      }
    };
  }

  private static boolean isObject(String text) {
    try {
      return text != null && JSON.readTree(text).isObject() && text.codePoints().noneMatch(c -> c >= Character.MIN_SURROGATE && c <= Character.MAX_SURROGATE);
    } catch (IOException e) {
      return false;
    }
  }
}
