/** What the console calls the operations and change sets of the API. */
import type { AreaVersion, ChangeSetBody, ChangeSetDocument, ChangeSetTrial } from "./types";

/** An area by the names that people know it by. */
export type ZoneName = Pick<AreaVersion, "id" | "code" | "name">;

/** What is asked, or what a change set keeps of it. */
export type Operation = ChangeSetBody["operations"][number] | ChangeSetDocument["operations"][number];

/** A change set, or what a draft of operations would be. */
export type Trial = ChangeSetTrial | ChangeSetDocument;
