package dev.graft.trainer.template;

import dev.graft.bindings.UsageException;
import dev.graft.trainer.data.DataException;
import dev.graft.trainer.jinja.RenderOptions;
import dev.graft.trainer.jinja.Template;
import dev.graft.trainer.jinja.TemplateException;
import dev.graft.trainer.tokenizer.Vocabulary;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Turns messages into the text that a model was trained on, as Hugging Face's {@code apply_chat_template} does. Immutable; threads may
 * share it.
 */
public final class ChatTemplate {
  /** Templates that come with Graft, by the name that {@code --template} takes. */
  private static final List<String> NAMES =
      List.of("alpaca", "chatml", "gemma", "llama2", "llama3", "mistral", "phi3", "vicuna", "zephyr");

  private final String name;
  private final String source;
  private final Template template;
  private final String bosText;
  private final String eosText;
  private final RenderOptions options;

  private ChatTemplate(String name, String source, Template template, String bosText, String eosText, RenderOptions options) {
    this.name = name;
    this.source = source;
    this.template = template;
    this.bosText = bosText;
    this.eosText = eosText;
    this.options = options;
  }

  /**
   * What {@code --template} means for a model: {@code auto} the file's own template (empty when it has none), {@code none} empty, a
   * built-in name, or the path of a file.
   *
   * @param model names the model file in errors
   * @throws DataException when the template does not parse
   * @throws UsageException when the name is unknown
   */
  public static Optional<ChatTemplate> resolve(String option, Vocabulary vocabulary, Path model) {
    String wanted = option == null ? "auto" : option;
    if (wanted.equals("none")) {
      return Optional.empty();
    } else if (wanted.equals("auto")) {
      return vocabulary.chatTemplate().map(text -> parse("the model's own", text, vocabulary.bosText(), vocabulary.eosText(), model));
    }
    return Optional.of(named(wanted, vocabulary.bosText(), vocabulary.eosText()));
  }

  /**
   * A built-in template by name, or a file by path.
   *
   * @throws UsageException when it is neither
   * @throws DataException when the file is no template
   */
  public static ChatTemplate named(String name, String bosText, String eosText) {
    if (name.isBlank()) {
      throw new UsageException("--template is empty; " + choices());
    } else if (NAMES.contains(name)) {
      return builtIn(name, bosText, eosText);
    } else if (Files.isDirectory(Path.of(name))) {
      throw new UsageException("--template " + name + " is a folder; " + choices());
    } else if (Files.exists(Path.of(name))) {
      return fromFile(Path.of(name), bosText, eosText);
    }
    throw new UsageException("--template " + name + " is neither a file nor a built-in template; " + choices());
  }

  private static String choices() {
    return "give auto, none, a file, or one of " + String.join(", ", NAMES);
  }

  private static ChatTemplate builtIn(String name, String bosText, String eosText) {
    try (InputStream in = ChatTemplate.class.getResourceAsStream(name + ".jinja")) {
      String text = new String(in.readAllBytes(), StandardCharsets.UTF_8);
      return of(name, text, bosText, eosText);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Names of the templates that come with Graft. */
  public static List<String> names() {
    return NAMES;
  }

  /** Reads a template from a file of UTF-8 text. @throws DataException when it is not one, or does not parse  @throws UsageException when it is empty */
  public static ChatTemplate fromFile(Path file, String bosText, String eosText) {
    try {
      String text = Files.readString(file);
      if (text.isBlank()) {
        throw new UsageException("--template " + file + " is empty; " + choices());
      }
      return parse(file.toString(), text, bosText, eosText, file);
    } catch (CharacterCodingException e) {
      throw new DataException(file, 0, "is not UTF-8 text, so it is no chat template; give a Jinja file", e);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** A template from its source. @throws TemplateException when it does not parse */
  public static ChatTemplate of(String name, String source, String bosText, String eosText) {
    return new ChatTemplate(name, source, Template.parse(source), bosText, eosText, RenderOptions.defaults());
  }

  private static ChatTemplate parse(String name, String source, String bosText, String eosText, Path file) {
    try {
      return of(name, source, bosText, eosText);
    } catch (TemplateException e) {
      throw new DataException(file, 0, "the chat template does not parse (" + e.getMessage() + "); give another with --template", e);
    }
  }

  /** The same with another clock behind {@code strftime_now}, for templates that write the date. */
  public ChatTemplate withClock(Clock clock) {
    return new ChatTemplate(name, source, template, bosText, eosText, options.withClock(clock));
  }

  /** Where it came from: a built-in name, a path, or "the model's own". */
  public String name() {
    return name;
  }

  /** The Jinja text. */
  public String source() {
    return source;
  }

  /**
   * Renders a conversation.
   *
   * @param messages each with role and content, as JSON reads them
   * @param addGenerationPrompt whether the header of the assistant's next turn ends the text
   * @param extra more variables: tools, documents, ...
   * @throws TemplateException when the template refuses or fails
   */
  public String render(List<? extends Map<String, Object>> messages, boolean addGenerationPrompt, Map<String, Object> extra) {
    Map<String, Object> context = new HashMap<>();
    context.put("tools", null);
    context.put("documents", null);
    context.put("bos_token", bosText);
    context.put("eos_token", eosText);
    context.putAll(extra);
    context.put("messages", messages);
    context.put("add_generation_prompt", addGenerationPrompt);
    return template.render(context, options);
  }
}
