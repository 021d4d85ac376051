# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The audit of a fleet: what hosts answered, worked out once, and one file a format that writes it."""
