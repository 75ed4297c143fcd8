package dev.graft.eval.cli;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.graft.trainer.data.TextModel;
import dev.graft.trainer.jinja.TemplateBatch;
import dev.graft.trainer.jinja.TemplateException;
import dev.graft.trainer.template.ChatTemplate;
import java.io.IOException;
import java.nio.charset.CharacterCodingException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.LocalDateTime;
import java.time.ZoneOffset;
import java.time.format.DateTimeParseException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code graft template}: renders messages through a chat template, or a file of templates with their contexts. */
@Command(
    name = "template",
    description = "Prints the prompt that a chat template makes of messages; or renders a file of templates with --batch.",
    footer = {
      "",
      "Examples:",
      "  graft template --model model.gguf --messages messages.json",
      "  graft template --template chatml --messages messages.json",
      "  graft template --batch in.jsonl --output out.jsonl --now 2025-07-04T09:05:03"
    })
final class TemplateCommand implements Callable<Integer> {
  private static final ObjectMapper JSON =
      JsonMapper.builder().enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION).enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS).build();

  @Mixin CommonOptions common;

  @Option(names = "--model", paramLabel = "MODEL.gguf", description = "Takes the template and the BOS and EOS texts of this model.")
  Path model;

  @Option(names = "--template", paramLabel = "FILE|NAME", description = "A Jinja file or a built-in template, instead of the model's own.")
  String template;

  @Option(
      names = "--messages",
      paramLabel = "FILE.json",
      description = "A list of messages, or an object with \"messages\" and more variables for the template (tools, bos_token, ...).")
  Path messages;

  @Option(names = "--tools", paramLabel = "FILE.json", description = "A list of tools for the template.")
  Path tools;

  @Option(names = "--no-generation-prompt", description = "Leaves out the header of the assistant's next turn. Default: off.")
  boolean noGenerationPrompt;

  @Option(names = "--batch", paramLabel = "IN.jsonl", description = "Renders lines of {\"id\", \"template\", \"context\"}.")
  Path batch;

  @Option(names = "--output", paramLabel = "OUT.jsonl", description = "Where --batch writes its lines.")
  Path output;

  @Option(names = "--now", paramLabel = "TIME", description = "Local time that the templates see, such as 2025-07-04T09:05:03. Default: the clock.")
  String now;

  @Override
  public Integer call() throws IOException {
    return batch != null || output != null ? batch() : single();
  }

  private int batch() throws IOException {
    if (batch == null || output == null || model != null || template != null || messages != null || tools != null) {
      throw CliException.usage("--batch IN.jsonl and --output OUT.jsonl go together, without --model, --template, --messages or --tools");
    }
    try {
      clock();
      TemplateBatch.Result result = TemplateBatch.run(batch, output, now);
      if (common.json()) {
        common.printJson(result);
      } else {
        common.note(result.rendered() + " lines rendered, " + result.failed() + " of them failed; written to " + output);
      }
      return ExitCode.DONE;
    } catch (CharacterCodingException e) {
      throw CliException.badData(batch + ": is not UTF-8 text; convert the file");
    } catch (IllegalArgumentException e) {
      throw CliException.badData(e.getMessage().replaceAll("\\s*\\(start marker at \\[Source.*\\]\\)", "") + "; correct the line");
    }
  }

  private int single() throws IOException {
    if (messages == null || model == null && template == null) {
      throw CliException.usage("give --messages FILE.json and one of --model and --template, or --batch and --output");
    }
    Map<String, Object> context = context();
    Clock clock = clock();
    ChatTemplate chosen = chosen(context);
    chosen = clock == null ? chosen : chosen.withClock(clock);
    Object add = context.remove("add_generation_prompt");
    try {
      String prompt = chosen.render(messages(context), !noGenerationPrompt && !Boolean.FALSE.equals(add), context);
      if (common.json()) {
        common.printJson(Map.of("prompt", prompt, "template", chosen.name()));
      } else {
        common.out().print(prompt);
        if (common.stdoutIsTerminal()) {
          common.out().println();
        }
        common.out().flush();
      }
      return ExitCode.DONE;
    } catch (TemplateException e) {
      throw CliException.badData("the chat template (" + chosen.name() + ") " + (e.kind() == TemplateException.Kind.RAISED ? "refuses the messages: " : "fails: ") + e.getMessage()
          + "; check " + messages + ", or give another template");
    }
  }

  private ChatTemplate chosen(Map<String, Object> context) {
    if (model != null) {
      try (TextModel text = TextModel.open(model)) {
        return ChatTemplate.resolve(template, text.vocabulary(), model)
            .orElseThrow(() -> CliException.badData(model + ": has no chat template; give one with --template (" + String.join(", ", ChatTemplate.names()) + " or a file)"));
      }
    }
    String bos = String.valueOf(context.getOrDefault("bos_token", ""));
    String eos = String.valueOf(context.getOrDefault("eos_token", ""));
    return ChatTemplate.named(template, bos, eos);
  }

  /** Every variable of the messages file but the messages themselves, and the tools. */
  private Map<String, Object> context() throws IOException {
    Map<String, Object> context = new HashMap<>();
    Object value = read(messages);
    if (value instanceof Map<?, ?> object) {
      object.forEach((key, item) -> context.put(String.valueOf(key), item));
    } else {
      context.put("messages", value);
    }
    if (tools != null) {
      Object list = read(tools);
      if (!(list instanceof List<?>)) {
        throw CliException.badData(tools + ": must hold a list of tools");
      }
      context.put("tools", list);
    }
    return context;
  }

  private List<Map<String, Object>> messages(Map<String, Object> context) {
    List<Map<String, Object>> list = new ArrayList<>();
    if (!(context.remove("messages") instanceof List<?> values)) {
      throw CliException.badData(messages + ": must hold a list of messages, or an object with \"messages\"");
    }
    for (Object value : values) {
      if (!(value instanceof Map<?, ?> map) || !(map.get("role") instanceof String)) {
        throw CliException.badData(messages + ": message " + (list.size() + 1) + " is not an object with \"role\" and \"content\"");
      }
      Map<String, Object> message = new java.util.LinkedHashMap<>();
      map.forEach((key, item) -> message.put(String.valueOf(key), item));
      list.add(message);
    }
    return list;
  }

  private static Object read(Path file) throws IOException {
    try {
      return JSON.readValue(Files.readString(file), Object.class);
    } catch (CharacterCodingException e) {
      throw CliException.badData(file + ": is not UTF-8 text; convert the file");
    } catch (JsonProcessingException e) {
      int line = e.getLocation() == null ? 0 : e.getLocation().getLineNr();
      throw CliException.badData(file + ":" + line + ": is not valid JSON: " + e.getOriginalMessage().replaceAll("\\s*\\(start marker at \\[Source.*\\]\\)", "") + "; correct the file");
    }
  }

  private Clock clock() {
    try {
      return now == null ? null : Clock.fixed(LocalDateTime.parse(now).toInstant(ZoneOffset.UTC), ZoneOffset.UTC);
    } catch (DateTimeParseException e) {
      throw CliException.usage("--now " + now + " is not a time; write it as 2025-07-04T09:05:03");
    }
  }
}
