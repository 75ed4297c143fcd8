package dev.graft.eval.cli;

import com.fasterxml.jackson.core.JsonLocation;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.dataformat.yaml.YAMLFactory;
import java.io.IOException;
import java.io.InputStream;
import java.math.BigDecimal;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import picocli.CommandLine;
import picocli.CommandLine.Model.OptionSpec;

/**
 * {@code --config FILE.yaml}: one mapping whose keys are the long flags without their dashes. Each key becomes a flag in front of
 * the ones typed, unless that flag was typed too: the command line wins. Unknown keys, wrong types, duplicate keys and nested
 * values are usage errors that name the file and the line.
 */
final class ConfigFile {
  /** What a typed flag replaces besides itself: each two exclude one another. */
  private static final Map<String, List<String>> REPLACED_BY =
      Map.of(
          "--epochs", List.of("--max-steps"),
          "--max-steps", List.of("--epochs"),
          "--data", List.of("--prompt"),
          "--output", List.of("--prompt"),
          "--prompt", List.of("--data"),
          "--model", List.of("--shape"),
          "--shape", List.of("--model"),
          "--type", List.of("--model"),
          "--overwrite", List.of("--resume"),
          "--resume", List.of("--overwrite"));

  private final Path file;
  private final Map<String, OptionSpec> options;

  private ConfigFile(Path file, Map<String, OptionSpec> options) {
    this.file = file;
    this.options = options;
  }

  /** The arguments with the config file's flags put in after the command's name; unchanged without {@code --config}. */
  static List<String> expand(CommandLine root, List<String> args) {
    CommandLine command = root;
    int at = 0;
    while (at < args.size() && command.getSubcommands().containsKey(args.get(at))) {
      command = command.getSubcommands().get(args.get(at++));
    }
    List<String> typed = args.subList(at, args.size());
    String path = value(typed, "--config");
    if (path == null || command == root) {
      return args;
    }
    if (path.isEmpty()) {
      throw CliException.usage("--config is empty; name a file");
    }
    ConfigFile config = new ConfigFile(Path.of(path), configurable(command));
    List<String> expanded = new ArrayList<>(args.subList(0, at));
    expanded.addAll(config.read(typed));
    expanded.addAll(typed);
    return expanded;
  }

  private static Map<String, OptionSpec> configurable(CommandLine command) {
    Map<String, OptionSpec> options = new TreeMap<>();
    for (OptionSpec option : command.getCommandSpec().options()) {
      if (!option.usageHelp() && !option.versionHelp() && !option.longestName().equals("--config")) {
        for (String name : option.names()) {
          if (name.startsWith("--")) {
            options.put(name.substring(2), option);
          }
        }
      }
    }
    return options;
  }

  private static String value(List<String> args, String flag) {
    String found = null;
    for (int i = 0; i < args.size(); i++) {
      if (args.get(i).startsWith(flag + "=")) {
        found = args.get(i).substring(flag.length() + 1);
      } else if (args.get(i).equals(flag) && i + 1 < args.size()) {
        found = args.get(i + 1);
      }
    }
    return found;
  }

  private static boolean typed(OptionSpec option, List<String> args) {
    for (String name : option.names()) {
      if (args.stream().anyMatch(arg -> arg.equals(name) || arg.startsWith(name + "="))) {
        return true;
      }
    }
    return false;
  }

  private boolean replaced(OptionSpec option, List<String> args) {
    return REPLACED_BY.getOrDefault(option.longestName(), List.of()).stream()
        .anyMatch(other -> options.containsKey(other.substring(2)) && typed(options.get(other.substring(2)), args));
  }

  private List<String> read(List<String> typed) {
    List<String> flags = new ArrayList<>();
    YAMLFactory yaml = YAMLFactory.builder().enable(com.fasterxml.jackson.core.StreamReadFeature.STRICT_DUPLICATE_DETECTION).build();
    try (InputStream in = Files.newInputStream(file); JsonParser parser = yaml.createParser(in)) {
      JsonToken first = parser.nextToken();
      if (first == null || first == JsonToken.VALUE_NULL) {
        end(parser);
        return flags; // an empty file
      } else if (first != JsonToken.START_OBJECT) {
        throw problem(parser.currentTokenLocation(), "must be a mapping of flags to values, such as 'batch-size: 8'");
      }
      while (parser.nextToken() == JsonToken.FIELD_NAME) {
        String key = parser.currentName();
        OptionSpec option = options.get(key);
        if (option == null) {
          throw problem(parser.currentTokenLocation(), "unknown key '" + key + "'" + NearMatches.hint(key, options.keySet()));
        }
        List<String> values = values(parser, key, option);
        if (!typed(option, typed) && !replaced(option, typed)) {
          flags.addAll(values);
        }
      }
      end(parser);
      return flags;
    } catch (JsonProcessingException e) {
      throw problem(e.getLocation(), "not valid YAML: " + Failures.oneLine(e.getOriginalMessage()));
    } catch (IOException e) {
      throw CliException.usage("--config " + file + ": cannot be read: " + (Files.exists(file) ? e.getMessage() : "no such file"));
    }
  }

  private void end(JsonParser parser) throws IOException {
    if (parser.nextToken() != null) {
      throw problem(parser.currentTokenLocation(), "a second YAML document begins; keep all flags in one, without '---' between");
    }
  }

  private List<String> values(JsonParser parser, String key, OptionSpec option) throws IOException {
    JsonToken token = parser.nextToken();
    String flag = option.longestName();
    if (token == JsonToken.START_ARRAY && option.isMultiValue()) {
      List<String> flags = new ArrayList<>();
      while (parser.nextToken() != JsonToken.END_ARRAY) {
        flags.add(flag + "=" + scalar(parser, key, String.class));
      }
      return flags;
    } else if (token == JsonToken.START_ARRAY && option.type() == String.class) {
      List<String> parts = new ArrayList<>(); // lora-targets: [attn_q, attn_v]
      while (parser.nextToken() != JsonToken.END_ARRAY) {
        parts.add(scalar(parser, key, String.class));
      }
      return List.of(flag + "=" + String.join(",", parts));
    }
    Class<?> type = option.isMultiValue() ? String.class : option.type();
    String value = scalar(parser, key, type);
    if (type == boolean.class || type == Boolean.class) {
      return value.equals("true") ? List.of(flag) : List.of();
    }
    return List.of(flag + "=" + value);
  }

  private String scalar(JsonParser parser, String key, Class<?> type) throws IOException {
    JsonToken token = parser.currentToken();
    String text = parser.getText();
    if (type == boolean.class || type == Boolean.class) {
      require(token.isBoolean(), parser, key, "true or false");
    } else if (type == int.class || type == long.class || type == Integer.class || type == Long.class) {
      require(token == JsonToken.VALUE_NUMBER_INT, parser, key, "a whole number");
      return parser.getBigIntegerValue().toString();
    } else if (Number.class.isAssignableFrom(type) || type == double.class || type == float.class) {
      require(isNumber(text), parser, key, "a number");
    } else {
      require(token.isScalarValue() && token != JsonToken.VALUE_NULL, parser, key, "a text");
    }
    return text;
  }

  /** YAML 1.1 takes 2e-4 (no point) for a text and .nan for a number; a flag sees it the other way round. */
  private static boolean isNumber(String text) {
    try {
      return new BigDecimal(text) != null;
    } catch (NumberFormatException e) {
      return false;
    }
  }

  private void require(boolean ok, JsonParser parser, String key, String wanted) throws IOException {
    if (!ok) {
      String found = parser.currentToken().isStructStart() ? "a nested value" : "'" + parser.getText() + "'";
      throw problem(parser.currentTokenLocation(), "'" + key + "' must be " + wanted + ", not " + found);
    }
  }

  private CliException problem(JsonLocation location, String what) {
    String line = location == null ? "" : ", line " + location.getLineNr();
    return CliException.usage("--config " + file + line + ": " + what);
  }
}
