/** Statistics of judged answers: pure functions of counts and scores. What is undefined is null, never NaN or an infinity. */
package dev.graft.eval.statistics;
