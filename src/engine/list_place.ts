/** The place of a worker in a list, which the list alone changes. */
export class ListPlace<T> {
  isTaken = false;
  previous: T | undefined = undefined;
  next: T | undefined = undefined;
}
