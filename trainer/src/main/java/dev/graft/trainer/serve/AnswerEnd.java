package dev.graft.trainer.serve;

/**
 * How an answer ended.
 *
 * @param reason {@code stop} (an end token, a stop text, or nothing more allowed) or {@code length}
 * @param promptTokens of the prompt  @param reusedTokens of these, computed before for another request  @param answerTokens generated, the one that ended it included
 */
public record AnswerEnd(String reason, int promptTokens, int reusedTokens, int answerTokens) {}
