package dev.graft.eval.serve;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;

/** A request that gets an error, in OpenAI's shape: {@code {"error": {"message", "type", "param", "code"}}}. */
final class ApiException extends RuntimeException {
  private static final long serialVersionUID = 1L;
  private static final String INVALID = "invalid_request_error";

  private final int status;
  private final String type;
  private final String param;
  private final String code;

  /** @param param the field at fault, or null  @param code for programs, or null */
  ApiException(int status, String type, String message, String param, String code) {
    super(message, null, false, false);
    this.status = status;
    this.type = type;
    this.param = param;
    this.code = code;
  }

  /** A field that is wrong: 400. */
  static ApiException bad(String param, String message) {
    return new ApiException(400, INVALID, message, param, null);
  }

  /** The same with a code. */
  static ApiException bad(String param, String message, String code) {
    return new ApiException(400, INVALID, message, param, code);
  }

  /** Another status that is the client's to mend. */
  static ApiException invalid(int status, String message, String code) {
    return new ApiException(status, INVALID, message, null, code);
  }

  static ApiException unknownModel(String name) {
    return new ApiException(404, INVALID, "The model '" + name + "' does not exist; GET /v1/models lists those that do", "model", "model_not_found");
  }

  static ApiException queueFull() {
    return new ApiException(429, "rate_limit_error", "Too many requests wait already; try again after the seconds in Retry-After", null, "queue_full");
  }

  static ApiException unavailable(String message, String code) {
    return new ApiException(503, "server_error", message, null, code);
  }

  static ApiException failed(int status, String message) {
    return new ApiException(status, "server_error", message, null, "engine_failed");
  }

  static ApiException tooLong(int context, int prompt, int answer, String param) {
    String asked = answer > 0 ? (prompt + answer) + " tokens (" + prompt + " in the prompt, " + answer + " in the answer)" : prompt + " tokens in the prompt alone";
    return bad(param, "This model's maximum context length is " + context + " tokens, but the request is for " + asked + "; shorten the prompt or the answer",
        "context_length_exceeded");
  }

  int status() {
    return status;
  }

  ObjectNode json() {
    ObjectNode root = JsonNodeFactory.instance.objectNode();
    root.putObject("error").put("message", getMessage()).put("type", type).put("param", param).put("code", code);
    return root;
  }
}
