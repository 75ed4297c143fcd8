package dev.graft.trainer.template;

import dev.graft.trainer.tokenizer.Vocabulary;
import java.util.Comparator;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Stream;

/**
 * How a model writes calls of functions, as its chat template shows it: the template is given an answer with calls, and what it makes of that is taken apart. So Hermes' and
 * Qwen's {@code <tool_call>{...}</tool_call>}, Llama 3's bare JSON, Mistral's {@code [TOOL_CALLS][{...}]} and {@code [TOOL_CALLS]name[ARGS]{...}}, Kimi's, Nemotron's and the
 * like need no list of models; nor do those that write each argument between tags of its own ({@link ArgumentTexts}), as Qwen3-Coder and GLM-4.5. For a template that takes tools
 * but shows no calls in either way it goes by the markers that the template mentions, else by JSON alone. Immutable; threads may share it.
 */
public final class ToolCallFormat {
  private static final String NAME_FIRST = "{\"name\": \"";
  private static final String THEN_ARGUMENTS = "\", \"arguments\": ";

  /** Markers that templates of the field mention even where they do not write them, and what follows: a list or single objects. */
  private static final Map<String, ToolCallTexts> KNOWN = Map.of(
      "<tool_call>", texts("<tool_call>\n" + NAME_FIRST, THEN_ARGUMENTS, "}\n</tool_call>\n<tool_call>\n" + NAME_FIRST, "}\n</tool_call>"),
      "[TOOL_CALLS]", texts("[TOOL_CALLS][" + NAME_FIRST, THEN_ARGUMENTS, "}, " + NAME_FIRST, "}]"),
      "<|tool_call|>", texts("<|tool_call|>[" + NAME_FIRST, THEN_ARGUMENTS, "}, " + NAME_FIRST, "}]"),
      "<|python_tag|>", texts(NAME_FIRST, "\", \"parameters\": ", null, "}"));

  private static final ToolCallTexts GENERIC = texts(NAME_FIRST, THEN_ARGUMENTS, null, "}");

  private final ToolCallTexts texts;
  private final ArgumentTexts arguments;
  private final String tag;
  private final List<String> openers;
  private final List<String> closers;
  private final boolean objectArguments;
  private final boolean silent;

  private ToolCallFormat(ToolCallTexts texts, ArgumentTexts arguments, Set<String> mentioned, boolean objectArguments, boolean silent) {
    this.texts = texts;
    this.arguments = arguments;
    this.objectArguments = objectArguments;
    this.silent = silent;
    tag = texts.opener().substring(Math.max(0, texts.opener().lastIndexOf('<'))); // before it the template may write an empty thought
    openers = longestFirst(Stream.concat(Stream.of(texts.opener(), texts.again(), tag, arguments == null ? "" : firstTag(texts.opener())), mentioned.stream()));
    closers = longestFirst(Stream.concat(Stream.of(texts.closer(), texts.between()), mentioned.stream().map(marker -> KNOWN.get(marker).closer())));
  }

  /** The format of a template that takes tools. */
  public static ToolCallFormat of(ChatTemplate template) {
    ToolCallProbe probe = new ToolCallProbe(template);
    Optional<ToolCallProbe.Found> found = probe.find();
    Set<String> mentioned = new TreeSet<>(KNOWN.keySet());
    mentioned.removeIf(marker -> !template.source().contains(marker));
    if (found.isPresent()) {
      return new ToolCallFormat(found.get().texts(), found.get().arguments(), mentioned, found.get().objects(), found.get().silent());
    }
    ToolCallTexts texts = mentioned.isEmpty() ? GENERIC : KNOWN.get(mentioned.iterator().next());
    return new ToolCallFormat(texts, null, mentioned, probe.takesObjects(), false);
  }

  private static ToolCallTexts texts(String first, String middle, String next, String last) {
    return ToolCallTexts.of(first, middle, next, last).orElseThrow();
  }

  private static String firstTag(String opener) {
    return opener.startsWith("<") ? opener.substring(0, opener.indexOf('>') + 1) : "";
  }

  private static List<String> longestFirst(Stream<String> texts) {
    return new LinkedHashSet<>(texts.filter(text -> !text.isEmpty()).sorted(Comparator.comparing(String::length).reversed()).toList()).stream().toList();
  }

  /** What is written before the first call's name. */
  public String first() {
    return texts.first();
  }

  /** How arguments are written if they are no JSON object. */
  public Optional<ArgumentTexts> arguments() {
    return Optional.ofNullable(arguments);
  }

  /** What is written between a name and its arguments, which are a JSON object, or as {@link #arguments} says, up to what ends the call. */
  public String middle() {
    return texts.middle();
  }

  /** What is written between a call's arguments and the next call's name; empty where the template takes one call at a time. */
  public Optional<String> next() {
    return Optional.ofNullable(texts.next());
  }

  /** What is written after the last call's arguments, up to the token that ends the answer. */
  public String last(Vocabulary vocabulary) {
    int end = texts.last().length();
    for (int id : vocabulary.endOfGeneration()) {
      int found = texts.last().indexOf(vocabulary.text(id));
      end = found >= 0 && found < end ? found : end;
    }
    return texts.last().substring(0, end).stripTrailing();
  }

  /** Whether the template wants a call's arguments as an object, as Hugging Face gives them; else as JSON text, as OpenAI does. */
  public boolean objectArguments() {
    return objectArguments;
  }

  /** Whether the template only writes calls of a message without any content. */
  public boolean silent() {
    return silent;
  }

  /** Special tokens that calls are written with, which must not be left out of an answer's text. */
  public Set<Integer> shown(Vocabulary vocabulary) {
    Set<Integer> shown = new TreeSet<>();
    for (int id = 0; id < vocabulary.size(); id++) {
      if (vocabulary.isSpecial(id) && !vocabulary.endOfGeneration().contains(id) && writtenWith(vocabulary.text(id))) {
        shown.add(id);
      }
    }
    return shown;
  }

  private boolean writtenWith(String special) {
    return !special.isBlank() && (arguments != null && arguments.has(special) || Stream.concat(Stream.of(texts.first(), texts.middle(), String.valueOf(texts.next()), texts.last()), openers.stream()).anyMatch(text -> text.contains(special)));
  }

  /** Markers before a call, longest first. */
  public List<String> openers() {
    return openers;
  }

  /** The last tag before a call's name, which is all that some models write. */
  String tag() {
    return tag;
  }

  /** Markers after a call, longest first. */
  List<String> closers() {
    return closers;
  }

  /** Whether an answer that is JSON from its beginning may be a call. */
  public boolean bare() {
    return texts.opener().isEmpty();
  }

  boolean isName(String key) {
    return key.equals("name") || key.equals(texts.nameKey());
  }

  boolean isArguments(String key) {
    return key.equals("arguments") || key.equals("parameters") || key.equals(texts.argumentsKey());
  }
}
