# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""One file a format: each turns the document of an audit into pieces of text, so that none holds the whole."""
