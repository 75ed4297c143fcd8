package dev.graft.eval.serve;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.graft.trainer.template.ToolCallFormat;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** Reads a chat's messages: what {@link PromptSource} would not say in this API's words, and calls of functions as the chat template wants them. One thread. */
final class ChatMessages {
  private static final Set<String> ROLES = Set.of("system", "developer", "user", "assistant", "tool");

  private final Optional<ToolCallFormat> format;
  private final Map<String, String> functions = new HashMap<>();

  /** @param format how the template writes calls, if it does */
  ChatMessages(Optional<ToolCallFormat> format) {
    this.format = format;
  }

  /** The messages for the template. @throws ApiException naming the place at fault */
  JsonNode read(JsonNode messages) {
    if (!messages.isArray() || messages.isEmpty()) {
      throw ApiException.bad("messages", "messages must be a list of at least one message");
    }
    ArrayNode all = Fields.JSON.createArrayNode();
    for (int i = 0; i < messages.size(); i++) {
      all.add(message(messages.get(i), "messages[" + i + "]"));
    }
    return all;
  }

  private JsonNode message(JsonNode message, String at) {
    if (!message.isObject()) {
      throw ApiException.bad(at, at + " must be an object with role and content");
    }
    String role = message.path("role").asText();
    if (!ROLES.contains(role)) {
      throw ApiException.bad(at + ".role", at + ".role must be one of system, developer, user, assistant, tool");
    }
    for (JsonNode part : message.path("content").isArray() ? message.path("content") : List.<JsonNode>of()) {
      if (!part.path("type").asText().equals("text")) {
        throw ApiException.bad(at + ".content", at + ".content has a part of type '" + part.path("type").asText() + "'; this model reads only text", "unsupported_content");
      }
    }
    ObjectNode copy = message.deepCopy();
    JsonNode calls = message.path("tool_calls");
    if (calls.isNull() || calls.isArray() && calls.isEmpty()) {
      copy.remove("tool_calls"); // clients send back what they got, absent fields as null
    } else if (!calls.isMissingNode()) {
      calls(copy, calls, role, at);
    }
    if (role.equals("tool")) {
      result(copy, at);
    }
    return copy;
  }

  private void calls(ObjectNode message, JsonNode calls, String role, String at) {
    if (!role.equals("assistant") || !calls.isArray()) {
      throw ApiException.bad(at + ".tool_calls", at + ".tool_calls must be a list, of a message of the role assistant");
    }
    ArrayNode all = message.putArray("tool_calls");
    for (int i = 0; i < calls.size(); i++) {
      all.add(call(calls.get(i), at + ".tool_calls[" + i + "]"));
    }
    if (message.path("content").asText("").isEmpty() && !message.path("content").isArray()) { // where a template would write None, or wants None
      message.put("content", format.map(ToolCallFormat::silent).orElse(false) ? null : "");
    }
  }

  private JsonNode call(JsonNode call, String at) {
    JsonNode function = call.path("function");
    if (!call.isObject() || !call.path("type").asText("function").equals("function")) {
      throw ApiException.bad(at + (call.isObject() ? ".type" : ""), at + " must be an object with id, type (function) and function");
    } else if (!call.path("id").isTextual()) {
      throw ApiException.bad(at + ".id", at + ".id must be a string");
    } else if (!function.path("name").isTextual() || function.path("name").textValue().isEmpty()) {
      throw ApiException.bad(at + ".function.name", at + ".function.name must be the name of the function that was called");
    }
    functions.put(call.path("id").textValue(), function.path("name").textValue());
    ObjectNode copy = call.deepCopy();
    JsonNode arguments = arguments(function.path("arguments"), at + ".function.arguments");
    ((ObjectNode) copy.put("type", "function").get("function")).set("arguments", arguments);
    return copy;
  }

  /** As the template wants them: an object, or its text. */
  private JsonNode arguments(JsonNode given, String at) {
    String text = given.isTextual() ? given.textValue().isBlank() ? "{}" : given.textValue() : given.toString();
    try {
      JsonNode value = given.isTextual() ? Fields.JSON.readTree(text) : given;
      if (value.isObject()) {
        return format.map(ToolCallFormat::objectArguments).orElse(false) ? value : Fields.JSON.getNodeFactory().textNode(text);
      }
    } catch (JsonProcessingException e) {
      // said below
    }
    throw ApiException.bad(at, at + " must be a string that holds a JSON object");
  }

  /** A function's result; templates that want its name get it from the call. */
  private void result(ObjectNode message, String at) {
    JsonNode id = message.path("tool_call_id");
    if (!id.isTextual()) {
      throw ApiException.bad(at + ".tool_call_id", at + ".tool_call_id must be the id of the call that this answers");
    } else if (!message.path("content").isTextual() && !message.path("content").isArray()) {
      throw ApiException.bad(at + ".content", at + ".content must be a string: what the function gave");
    }
    if (!message.has("name") && functions.containsKey(id.textValue())) {
      message.put("name", functions.get(id.textValue()));
    }
  }
}
