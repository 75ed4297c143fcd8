package dev.graft.eval.serve;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.regex.Pattern;

/** Reads {@code tools}, {@code tool_choice} and {@code parallel_tool_calls}. */
final class ToolReader {
  private static final int MOST_TOOLS = 128;
  private static final String ALLOWED = "allowed_tools";
  private static final String AT = "tool_choice." + ALLOWED;

  /** As OpenAI's. */
  private static final Pattern NAME = Pattern.compile("[A-Za-z0-9_-]{1,64}");

  private static final List<String> PARTS = List.of("$ref", "anyOf", "oneOf", "allOf");

  private ToolReader() {}

  /**
   * What an answer may call, or null when nothing: there are no tools, or the client wants none used.
   *
   * @throws ApiException naming the field at fault
   */
  static ToolUse read(Fields fields, Served served) {
    JsonNode given = fields.get("tools");
    JsonNode choice = fields.get("tool_choice");
    boolean parallel = fields.flag("parallel_tool_calls", true);
    if (!given.isNull() && !given.isArray() || given.size() > MOST_TOOLS) {
      throw ApiException.bad("tools", "tools must be a list of at most " + MOST_TOOLS + " {\"type\": \"function\", \"function\": {\"name\", \"description\", \"parameters\"}}");
    }
    List<Tool> tools = tools(given);
    JsonNode some = choice.path("type").asText().equals(ALLOWED) ? choice.path(ALLOWED) : null;
    String mode = some != null ? mode(some) : choice.isNull() ? "auto" : choice.isTextual() ? choice.textValue() : "function";
    String named = mode.equals("function") ? named(choice) : null;
    if (!choice.isObject() && !Set.of("none", "auto", "required").contains(mode)) {
      throw ApiException.bad("tool_choice", "tool_choice must be none, auto, required, {\"type\": \"function\", \"function\": {\"name\": \"...\"}}, or an object of the type " + ALLOWED);
    } else if (tools.isEmpty() && (named != null || some != null || mode.equals("required"))) {
      throw ApiException.bad("tool_choice", "tool_choice asks for a call, but there are no tools; give some in tools");
    } else if (tools.isEmpty() || mode.equals("none")) {
      return null;
    }
    ToolSupport support = served.prompts().toolCalls().orElseThrow(() -> ApiException.bad("tools", "This model's chat template takes no tools"));
    List<Tool> callable = some == null ? tools : allowed(some.path("tools"), tools);
    if (named != null) {
      callable = tools.stream().filter(tool -> tool.name().equals(named)).toList();
      if (callable.isEmpty()) {
        throw ApiException.bad("tool_choice.function.name", "tool_choice.function.name is a function that is not among the tools");
      }
    }
    return new ToolUse(support, callable, named == null && parallel ? Integer.MAX_VALUE : 1, !mode.equals("auto"));
  }

  private static String mode(JsonNode some) {
    String mode = some.path("mode").asText();
    if (!some.path("mode").isTextual() || !Set.of("auto", "required").contains(mode)) {
      throw ApiException.bad(AT + ".mode", AT + ".mode must be auto or required");
    }
    return mode;
  }

  /** Those that {@code allowed_tools} lists; the others the model only reads about. */
  private static List<Tool> allowed(JsonNode list, List<Tool> tools) {
    if (!list.isArray() || list.isEmpty()) {
      throw ApiException.bad(AT + ".tools", AT + ".tools must be a list of at least one {\"type\": \"function\", \"function\": {\"name\": \"...\"}}");
    }
    Set<String> names = new LinkedHashSet<>();
    for (int i = 0; i < list.size(); i++) {
      JsonNode name = list.get(i).path("function").path("name");
      if (!list.get(i).path("type").asText().equals("function") || !name.isTextual()) {
        throw ApiException.bad(AT + ".tools[" + i + "]", AT + ".tools[" + i + "] must be {\"type\": \"function\", \"function\": {\"name\": \"...\"}}");
      }
      names.add(name.textValue());
    }
    List<Tool> allowed = tools.stream().filter(tool -> names.contains(tool.name())).toList();
    allowed.forEach(tool -> names.remove(tool.name()));
    if (!names.isEmpty()) {
      throw ApiException.bad(AT + ".tools", AT + ".tools has functions that are not among the tools: " + String.join(", ", names));
    }
    return allowed;
  }

  private static String named(JsonNode choice) {
    JsonNode name = choice.path("function").path("name");
    if (!choice.path("type").asText().equals("function")) {
      throw ApiException.bad(choice.isObject() ? "tool_choice.type" : "tool_choice", "tool_choice must be none, auto, required, or an object of the type function or " + ALLOWED);
    } else if (!name.isTextual()) {
      throw ApiException.bad("tool_choice.function.name", "tool_choice.function.name must be the name of a function in tools");
    }
    return name.textValue();
  }

  private static List<Tool> tools(JsonNode given) {
    List<Tool> tools = new ArrayList<>();
    Set<String> names = new HashSet<>();
    for (int i = 0; i < given.size(); i++) {
      Tool tool = tool(given.get(i), "tools[" + i + "]");
      if (!names.add(tool.name())) {
        throw ApiException.bad("tools[" + i + "].function.name", "There are two tools of the name " + tool.name());
      }
      tools.add(tool);
    }
    return tools;
  }

  private static Tool tool(JsonNode node, String at) {
    JsonNode function = node.path("function");
    if (!node.isObject() || !node.path("type").asText().equals("function")) {
      throw ApiException.bad(at + (node.isObject() ? ".type" : ""), at + " must be of the type function, the only one that this server knows");
    } else if (!function.isObject()) {
      throw ApiException.bad(at + ".function", at + ".function must be an object with name, description and parameters");
    }
    String name = function.path("name").asText();
    if (!function.path("name").isTextual() || !NAME.matcher(name).matches()) {
      throw ApiException.bad(at + ".function.name", at + ".function.name must be letters, digits, _ and -, at most 64");
    }
    optional(function.path("description").isTextual(), function.path("description"), at + ".function.description", "a string");
    optional(function.path("strict").isBoolean(), function.path("strict"), at + ".function.strict", "true or false");
    String param = at + ".function.parameters";
    JsonNode parameters = function.path("parameters");
    boolean other = parameters.has("type") && !parameters.path("type").asText().equals("object");
    optional(parameters.isObject() && !other, parameters, param, "the JSON Schema of an object: {\"type\": \"object\", \"properties\": {...}}");
    return new Tool(name, schema(parameters), function.path("strict").asBoolean(), param);
  }

  private static void optional(boolean right, JsonNode node, String param, String wanted) {
    if (!right && !node.isMissingNode() && !node.isNull()) {
      throw ApiException.bad(param, param + " must be " + wanted);
    }
  }

  /** A schema of objects; a function without one has no arguments, as with OpenAI. */
  private static JsonNode schema(JsonNode parameters) {
    ObjectNode schema = parameters.isObject() ? parameters.deepCopy() : Fields.JSON.createObjectNode().put("additionalProperties", false);
    if (!parameters.isObject()) {
      schema.putObject("properties");
    }
    return PARTS.stream().anyMatch(schema::has) ? schema : schema.put("type", "object");
  }
}
