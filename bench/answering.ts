/** Makes this process answer the questions of Program.ask(), one after the other. */
export function answering<Question>(answer: (question: Question) => Promise<unknown> | unknown): void {
  process.on("message", async (question: Question) => {
    try {
      process.send?.({ answer: await answer(question) });
    } catch (error) {
      process.send?.({ fault: String(error) });
    }
  });
}
