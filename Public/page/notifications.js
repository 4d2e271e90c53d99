/** The browser's notifications, for when the page is in the background. */
export const notifications = {
  get supported() {
    return "Notification" in globalThis;
  },

  get allowed() {
    return this.supported && Notification.permission === "granted";
  },

  /** Asks; call it from a click. Returns what to tell the user if the answer is no. */
  async ask() {
    if (!this.supported) return "This browser has no notifications.";
    if (Notification.permission === "default") await Notification.requestPermission();
    return this.allowed ? undefined : "The browser does not allow notifications for this page. Its site settings can change that.";
  },

  show(alert) {
    if (!this.allowed || !document.hidden) return;
    try {
      const note = new Notification(alert.title || `Alert on ${alert.topic}`, {
        body: alert.message,
        tag: alert.id,
        icon: "/favicon.svg",
        requireInteraction: alert.priority === 5,
      });
      note.onclick = () => {
        globalThis.focus();
        note.close();
      };
    } catch {
      // Chrome on Android allows them to service workers only.
    }
  },
};
